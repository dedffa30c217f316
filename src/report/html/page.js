// The page: what stands where, and what happens when something is clicked.

const data = JSON.parse(byId('data').textContent);
const models = data.platforms.map((report) => new Model(report));
let model = models[0];
let pivot = 'directory';
let tables = [];

// What a node is, in words.
const kindOf = (node) => {
  if (!node.isLeaf || !node.bucket) return node.isLeaf ? 'group' : 'directory';
  return model.kinds[model.kind[node.row]];
};

const wayTo = (node) => {
  const way = [];
  for (let at = node; at; at = at.up) way.unshift(at);
  return way;
};

const wholePath = (node) => (node.bucket ? model.path(node.row) : node.name);

const describe = (node) => {
  const whole = model.root(pivot);
  const share = `${size(node.bytes)}, ${percent(node.bytes, whole.bytes)} of the image`;
  if (node.isLeaf && node.bucket) {
    const { row } = node;
    const category = model.category[row] < 0 ? '' : ` · ${model.report.categories[model.category[row]].name}`;
    const owner = model.owner[row] < 0 ? '' : ` · ${model.ownerNames[model.owner[row]]}`;
    const shadowed = model.visible[row] ? '' : ' · shadowed';
    return `${wholePath(node)} · ${share} · layer ${model.layer[row]}${category}${owner}${shadowed}`;
  }
  const place = node.up && !node.up.up && pivot !== 'directory' ? node.name : wholePath(node);
  return `${place} · ${share} · ${counted(node.files, 'file')}`;
};

const say = (text) => { byId('said').textContent = printable(text); };

const where = (node) => { byId('where').textContent = printable(describe(node || map.chosen || map.node)); };

const map = new Treemap(byId('treemap'), {
  hover: (node) => where(node),
  open: (node) => openNode(node),
  choose: (node) => { where(node); say(`${node.name}, ${kindOf(node)}, ${describe(node)}`); },
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
    const name = one.up ? one.name : pivot === 'directory' ? '/' : `All by ${PIVOTS.find((it) => it.key === pivot).title.toLowerCase()}`;
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
    h('p', { class: 'sum' }, h('strong', null, size(node.bytes)), ` in ${counted(node.files, 'file')}`),
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
  const offered = PIVOTS.filter((one) => model.report.tree || one.key !== 'directory');
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

const header = ({ image, totals }) => {
  byId('reference').textContent = printable(image.reference);
  const facts = [image.platform, image.digest ? shortDigest(image.digest) : `config ${shortDigest(image.config_digest)}`];
  if (image.created) facts.push(`made ${image.created.slice(0, 10)}`);
  byId('facts').textContent = printable(facts.join(' · '));
  const about = totals.wire_bytes === null ? '≈\u00a0' : '';
  const safe = totals.removable_bytes;
  byId('verdict').replaceChildren(...[
    h('strong', null, size(totals.disk_bytes)), ' on disk, ', h('strong', null, `${about}${size(totals.wire_bytes_estimate)}`), ' on the wire. ',
    ...(safe ? [h('strong', { class: 'good' }, `${size(safe)} (${percent(safe, totals.disk_bytes)})`), ' can go without changing what the image does.'] : ['Nothing in it is waste that is safe to remove.']),
  ]);
  const card = (title, value, note, kind) => h('div', { class: 'card' }, h('p', { class: 'title' }, kind ? h('span', { class: `key ${kind}`, 'aria-hidden': 'true' }) : null, title), h('p', { class: 'value' }, value), h('p', { class: 'under' }, note));
  byId('cards').replaceChildren(
    card('On disk', size(totals.disk_bytes), `${counted(totals.files, 'file')} in ${counted(totals.layers, 'layer')}`),
    card('On the wire', `${about}${size(totals.wire_bytes_estimate)}`, about ? 'compressed, an estimate' : 'compressed, as stored'),
    card('Can go', size(safe), `${percent(safe, totals.disk_bytes)}, safe categories`, 'safe'),
    card('Shadowed', size(totals.shadowed_bytes), `${percent(totals.shadowed_bytes, totals.disk_bytes)}, hidden by later layers`, 'shadowed'),
    card('Reclaimable', size(totals.reclaimable_bytes), 'by squashing alone'),
  );
};

const composition = (report) => {
  const sums = CLASSES.map(() => 0);
  report.categories.forEach((row, at) => {
    sums[model.categoryClass[at]] += row.visible_bytes;
    sums[SHADOWED] += row.disk_bytes - row.visible_bytes;
  });
  const all = sums.reduce((left, right) => left + right, 0);
  const parts = CLASSES.map((one, at) => ({ ...one, bytes: sums[at] })).filter((one) => one.bytes > 0);
  const strip = parts.map((one) => {
    const part = h('span', { class: one.key, title: `${one.title}: ${size(one.bytes)}` });
    part.style.width = `${(one.bytes / all) * 100}%`;
    return part;
  });
  byId('composition').replaceChildren(
    h('div', { class: 'strip', 'aria-hidden': 'true' }, strip),
    h('ul', { class: 'legend' }, parts.map((one) => h('li', null, h('span', { class: `key ${one.key}`, 'aria-hidden': 'true' }), `${one.title} `, h('b', null, size(one.bytes)), ` ${percent(one.bytes, all)}`))),
  );
};

const show = () => {
  const { report } = model;
  document.title = printable(`${report.image.reference} · slim report`);
  header(report);
  composition(report);
  pivots();
  const made = sections(report);
  tables = made.filter((one) => one instanceof SortedTable);
  byId('sections').replaceChildren(...made.map((one) => one.element || one));
  const links = [['map', 'Map']].concat(made.map((one) => [one.id, one.title || one.dataset.title]));
  byId('contents').replaceChildren(...links.map(([id, title]) => h('a', { href: `#${id}` }, title)));
};

const platforms = () => {
  const select = byId('platform');
  select.replaceChildren(...models.map((one, at) => h('option', { value: at }, one.report.image.platform)));
  byId('platforms').hidden = models.length < 2;
  select.addEventListener('change', () => { model = models[Number(select.value)]; show(); });
};

const theme = () => {
  const button = byId('theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const isDark = () => (document.documentElement.dataset.theme || (system.matches ? 'dark' : 'light')) === 'dark';
  const label = () => { button.textContent = isDark() ? 'Light' : 'Dark'; button.setAttribute('aria-label', `Use ${isDark() ? 'light' : 'dark'} colours`); };
  button.addEventListener('click', () => { document.documentElement.dataset.theme = isDark() ? 'light' : 'dark'; label(); map.draw(); });
  system.addEventListener('change', () => { label(); map.draw(); });
  label();
};

// On paper: light, and every row.
const paper = () => {
  let before;
  window.addEventListener('beforeprint', () => {
    before = document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = 'light';
    tables.forEach((table) => table.showAll(true));
    map.draw();
  });
  window.addEventListener('afterprint', () => {
    if (before) document.documentElement.dataset.theme = before;
    else delete document.documentElement.dataset.theme;
    tables.forEach((table) => table.showAll(false));
    map.draw();
  });
};

theme();
platforms();
paper();
show();
document.documentElement.dataset.ready = 'yes';
