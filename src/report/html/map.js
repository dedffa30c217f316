// The map and what is around it: the way to where one is, the list of what is inside, and what it is divided by.
//
// A document's model gives `pivots` ({key, title}), `root(pivot)`, `whole` and `noun` (what all of the map is, and what it counts), and of a
// node `isPath`, `path`, `type` and `words`.

let pivot = '';

const wayTo = (node) => {
  const way = [];
  for (let at = node; at; at = at.up) way.unshift(at);
  return way;
};

const describe = (node) => {
  const share = `${size(node.bytes)}, ${percent(node.bytes, model.root(pivot).bytes)} of ${model.whole}`;
  if (node.isLeaf && model.isPath(node)) return [model.path(node), share, ...model.words(node)].join(' · ');
  const place = node.up && !node.up.up && pivot !== 'directory' ? node.name : model.path(node);
  return `${place} · ${share} · ${counted(node.files, model.noun)}`;
};

// What a node is, in a word.
const typeOf = (node) => {
  if (!node.isLeaf) return 'directory';
  return model.isPath(node) ? model.type(node) : 'group';
};

const say = (text) => { byId('said').textContent = printable(text); };

const where = (node) => { byId('where').textContent = printable(describe(node || map.chosen || map.node)); };

const map = new Treemap(byId('treemap'), {
  hover: (node) => where(node),
  open: (node) => openNode(node),
  choose: (node) => { where(node); say(`${node.name}, ${typeOf(node)}, ${describe(node)}`); },
  out: () => { if (map.node.up) openNode(map.node.up); },
  home: () => openNode(model.root(pivot)),
});

// Goes into a directory or a group; a file is only shown.
const openNode = (node) => {
  if (node.isLeaf) {
    map.choose(node);
    where(node);
    say(describe(node));
    return;
  }
  const before = map.node;
  map.show(node);
  if (before && before.up === node) map.choose(before);
  byId('treemap').setAttribute('aria-label', printable(`Map of ${describe(node)}`));
  crumbs(node);
  inside(node);
  where(node);
  say(describe(node));
};

const crumbs = (node) => {
  const way = wayTo(node);
  const parts = way.map((one, at) => {
    const name = one.up ? one.name : pivot === 'directory' ? '/' : `All by ${model.pivots.find((it) => it.key === pivot).title.toLowerCase()}`;
    const isLast = at + 1 === way.length;
    return h('li', null, isLast ? h('span', { 'aria-current': 'location' }, name) : h('button', { type: 'button', onclick: () => openNode(one) }, name));
  });
  byId('crumbs').replaceChildren(h('ol', null, parts));
};

const ROWS = 14;

// The same as the map, as a list.
const inside = (node, all) => {
  const kids = node.kids.filter((kid) => kid.bytes > 0);
  const shown = all ? kids.slice(0, 1000) : kids.slice(0, ROWS);
  const most = shown.length ? shown[0].bytes : 0;
  const row = (kid) => {
    const stack = h('span', { class: 'bar', 'aria-hidden': 'true' }, CLASSES.map((one, at) => {
      const part = h('span', { class: one.key });
      part.style.width = `${most ? (kid.sums[at] / most) * 100 : 0}%`;
      return part;
    }));
    const button = h('button', {
      type: 'button', title: describe(kid), onclick: () => openNode(kid), onpointerenter: () => map.choose(kid), onfocus: () => map.choose(kid),
    }, h('span', { class: 'what' }, kid.name), h('span', { class: 'bytes' }, size(kid.bytes)), stack);
    return h('li', { class: kid.isLeaf ? 'leaf' : null }, button);
  };
  const rest = kids.slice(shown.length);
  const bytes = rest.reduce((sum, kid) => sum + kid.bytes, 0);
  const more = { type: 'button', class: 'more', onclick: () => inside(node, true), disabled: all };
  byId('inside').replaceChildren(
    h('p', { class: 'sum' }, h('strong', null, size(node.bytes)), ` in ${counted(node.files, model.noun)}`),
    h('ul', { 'aria-label': 'Largest first' }, shown.map(row)),
    ...(rest.length ? [h('button', more, `${number(rest.length)} more, ${size(bytes)}`)] : []),
  );
};

const choosePivot = (key) => {
  pivot = key;
  for (const button of byId('pivots').children) {
    const isChosen = button.dataset.key === key;
    button.setAttribute('aria-checked', String(isChosen));
    button.tabIndex = isChosen ? 0 : -1;
  }
  openNode(model.root(key));
};

const pivots = () => {
  const offered = model.pivots;
  byId('pivots').replaceChildren(...offered.map((one, at) => h('button', {
    type: 'button', role: 'radio', 'data-key': one.key, onclick: () => choosePivot(one.key),
    onkeydown: (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = (at + step + offered.length) % offered.length;
      choosePivot(offered[next].key);
      byId('pivots').children[next].focus();
    },
  }, one.title)));
  choosePivot(offered[0].key);
};

// From a table's row to its place in the map.
const showGroup = (key, group) => {
  choosePivot(key);
  const node = model.root(key).kids.find((kid) => kid.key === group);
  if (node) openNode(node);
  byId('map').scrollIntoView({ block: 'start' });
  byId('treemap').focus({ preventScroll: true });
};
