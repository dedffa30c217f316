// What the pages of all documents have in common around their tables.

// What stands at the top: what the document is about, and facts, as far as they are known.
const headline = (name, facts) => {
  byId('reference').textContent = printable(name);
  byId('facts').textContent = printable(facts.filter(Boolean).join(' · '));
};

const identity = (image) => [image.platform, image.digest ? shortDigest(image.digest) : `config ${shortDigest(image.config_digest)}`];

const card = (title, value, note, mark) => h('div', { class: 'card' }, h('p', { class: 'title' }, mark ? h('span', { class: `key ${mark}`, 'aria-hidden': 'true' }) : null, title), h('p', { class: 'value' }, value), h('p', { class: 'under' }, note));

// A strip of the classes, and what they are.
const legend = (sums) => {
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

// From a table's row to its place in the map.
const link = (words, pivotKey, group) => h('button', { type: 'button', class: 'go', title: 'Show in the map', onclick: () => showGroup(pivotKey, group) }, words);

const numbers = (title, of, show) => ({ title, isNumber: true, sort: of, cell: (row) => (show || size)(of(row)) });

const plainSection = (id, title, note, ...children) => h('section', { id, 'aria-labelledby': `${id}-title`, 'data-title': title },
  h('div', { class: 'head' }, h('h2', { id: `${id}-title` }, title)), note ? h('p', { class: 'note' }, note) : null, ...children);

// How a build avoids bytes, of a document that says so.
const advice = (document) => {
  if (!document.advice.length) return [];
  const items = document.advice.map((one) => h('li', null,
    h('p', null, h('strong', null, size(one.bytes)), ' ', h('span', { class: 'tag' }, one.category), h('span', { class: 'dim' }, ` layer ${one.layer} `), h('code', { class: 'quiet' }, one.instruction)),
    h('p', null, prose(one.fix))));
  const ignored = document.dockerignore && document.dockerignore.length
    ? [h('p', { class: 'note' }, 'A .dockerignore for what the build context brought:'), h('pre', null, document.dockerignore.join('\n'))] : [];
  return [plainSection('advice', 'How a build avoids bytes', null, h('ul', { class: 'list cards-list' }, items), ...ignored)];
};

const warnings = (document) => (document.warnings.length ? [plainSection('warnings', 'Warnings', 'Oddities that slim read in one way of several.',
  h('ul', { class: 'list' }, document.warnings.map((one) => h('li', null, h('span', { class: 'tag' }, one.code), ' ', one.path ? h('code', null, one.path) : null, ` ${one.message}`))))] : []);
