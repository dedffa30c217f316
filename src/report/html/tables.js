// Tables that are sorted and filtered: a column says how a row is shown, and what it is sorted by.

const FIRST = 60; // rows that are shown at once
const MORE = 300;

const chip = (safety) => h('span', { class: `chip ${safety || 'stays'}` }, safety || 'stays');

// A bar: what is visible, and what is shadowed behind it.
const bar = (visible, shadowed, most) => {
  const part = (kind, bytes) => {
    const element = h('span', { class: kind });
    element.style.width = `${most ? (bytes / most) * 100 : 0}%`;
    return element;
  };
  return h('span', { class: 'bar', 'aria-hidden': 'true' }, part('solid', visible), part('light', shadowed));
};

// Numbers begin with the largest.
const startsDown = (column) => Boolean(column.isNumber && !column.isUp);

// columns: {title, cell(row), sort(row), isNumber, isUp, isHead, isWide}; options: {id, title, note, rows, columns, by, text(row), isWhole (no rows
// are held back), isSorted (they are in order already)}
class SortedTable {
  constructor(options) {
    Object.assign(this, options);
    this.shown = this.limit();
    this.isDown = startsDown(this.columns[this.by]);
    this.words = '';
    this.body = h('tbody');
    this.count = h('span', { class: 'count', role: 'status' });
    this.heads = this.columns.map((column, at) => h('th', { scope: 'col', class: column.isNumber ? 'number' : null },
      column.title ? h('button', { type: 'button', onclick: () => this.sortBy(at) }, column.title) : h('span', { class: 'unseen' }, 'Bar')));
    this.more = h('button', { type: 'button', class: 'more', onclick: () => { this.shown += MORE; this.fill(); } });
    const filter = h('input', {
      type: 'search', placeholder: 'Filter', 'aria-label': `Filter ${this.title}`, oninput: () => {
        clearTimeout(this.wait);
        this.wait = setTimeout(() => { this.words = filter.value.toLowerCase(); this.shown = this.limit(); this.select(); }, 120);
      },
    });
    const heading = `${this.id}-title`;
    this.element = h('section', { id: this.id, 'aria-labelledby': heading },
      h('div', { class: 'head' }, h('h2', { id: heading }, this.title), h('div', { class: 'filter' }, this.count, filter)),
      this.note ? h('p', { class: 'note' }, ...[this.note].flat()) : null,
      h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': this.title }, h('table', null, h('caption', { class: 'unseen' }, this.title), h('thead', null, h('tr', null, this.heads)), this.body)),
      this.more);
    if (this.isSorted) {
      this.found = this.rows;
      this.mark();
      this.fill();
    } else {
      this.select();
    }
  }

  limit() {
    return this.isWhole ? Infinity : FIRST;
  }

  sortBy(at) {
    this.isDown = this.by === at ? !this.isDown : startsDown(this.columns[at]);
    this.by = at;
    this.select();
  }

  // The rows that fit the filter, in order.
  select() {
    const words = this.words.split(/\s+/).filter(Boolean);
    const rows = words.length ? this.rows.filter((row) => { const text = this.text(row).toLowerCase(); return words.every((word) => text.includes(word)); }) : this.rows;
    const { sort } = this.columns[this.by];
    const keys = new Map(Array.from(rows, (row) => [row, sort(row)]));
    const sign = this.isDown ? -1 : 1;
    this.found = Array.from(rows).sort((a, b) => {
      const [left, right] = [keys.get(a), keys.get(b)];
      return left < right ? -sign : left > right ? sign : 0;
    });
    this.mark();
    this.fill();
  }

  mark() {
    this.heads.forEach((head, at) => head.setAttribute('aria-sort', at !== this.by ? 'none' : this.isDown ? 'descending' : 'ascending'));
  }

  fill() {
    const shown = this.found.slice(0, this.shown);
    this.body.replaceChildren(...shown.map((row) => h('tr', null, this.columns.map((column) =>
      h(column.isHead ? 'th' : 'td', { scope: column.isHead ? 'row' : null, class: [column.isNumber ? 'number' : '', column.isWide ? 'wide-cell' : ''].join(' ').trim() || null }, column.cell(row))))));
    if (!shown.length) this.body.append(h('tr', null, h('td', { colspan: this.columns.length, class: 'none' }, 'Nothing fits the filter.')));
    const all = this.rows.length;
    this.count.textContent = this.found.length === all ? number(all) : `${number(this.found.length)} of ${number(all)}`;
    const rest = this.found.length - shown.length;
    this.more.hidden = rest <= 0;
    this.more.textContent = `Show more (${number(rest)})`;
  }

  // For print: all rows of what is not endless.
  showAll(isAll) {
    const before = this.shown;
    this.shown = isAll ? 1000 : this.limit();
    if (this.shown !== before) this.fill();
  }
}
