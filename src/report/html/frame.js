// The page around a document: its header, its sections and the way to them, platforms, colours, paper. The document's own script
// says in `kind` what stands there: `model(document)`, `platform(document)`, `title(document)`, and `show(document)`, which fills the
// header and gives the sections.

const data = JSON.parse(byId('data').textContent);
const models = data.platforms.map(kind.model);
let model = models[0];
let tables = [];

const show = () => {
  document.title = printable(kind.title(model.document));
  const made = kind.show(model.document);
  const hasMap = model.pivots.length > 0;
  byId('map').hidden = !hasMap;
  if (hasMap) pivots();
  tables = made.filter((one) => one instanceof SortedTable);
  byId('sections').replaceChildren(...made.map((one) => one.element || one));
  const links = (hasMap ? [['map', 'Map']] : []).concat(made.map((one) => [one.id, one.title || one.dataset.title]));
  byId('contents').replaceChildren(...links.map(([id, title]) => h('a', { href: `#${id}` }, title)));
};

const platforms = () => {
  const select = byId('platform');
  select.replaceChildren(...models.map((one, at) => h('option', { value: at }, kind.platform(one.document))));
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
