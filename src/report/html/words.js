// Numbers and names in words, as the other formats write them, and elements out of them. Text of an image only ever
// becomes a text node; what would hide or reorder text is written out.

// The characters of src/report/escape.rs; a test there compares the two.
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;

const printable = (text) => text.replace(UNSAFE, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

// `1.21 GB`: three significant digits, with a space that does not break.
const size = (bytes) => {
  if (bytes < 1000) return `${bytes}\u00a0B`;
  let value = bytes / 1000;
  for (const unit of ['kB', 'MB', 'GB', 'TB', 'PB', 'EB']) {
    if (value < 999.5 || unit === 'EB') {
      return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)}\u00a0${unit}`;
    }
    value /= 1000;
  }
  return '';
};

const number = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ',');

const counted = (count, noun) =>
  `${number(count)}\u00a0${count === 1 ? noun : /[^a]y$/.test(noun) ? `${noun.slice(0, -1)}ies` : `${noun}s`}`;

const sign = (delta) => (delta > 0 ? '+' : delta < 0 ? '−' : '±');

// A change of a size, and of a number: `+1.21 GB`, `−3`.
const signedSize = (delta) => `${sign(delta)}${size(Math.abs(delta))}`;
const signedNumber = (delta) => `${sign(delta)}${number(Math.abs(delta))}`;

const percent = (part, whole) => {
  const exact = whole ? (part / whole) * 100 : 0;
  if (part === 0) return '0\u00a0%';
  if (exact < 1) return '<1\u00a0%';
  if (exact > 99 && part < whole) return '>99\u00a0%';
  return `${exact.toFixed(0)}\u00a0%`;
};

// The instruction without what builders add to it.
const instruction = (createdBy) => {
  let text = createdBy.split(/\s+/).filter(Boolean).join(' ').replace(/# buildkit$/, '').trim();
  const shell = text.replace(/^RUN /, '');
  if (/^(\/bin\/sh -c |\|\d+ )/.test(shell) && shell.includes('/bin/sh -c ')) {
    const command = shell.slice(shell.indexOf('/bin/sh -c ') + 11).trim();
    text = command.startsWith('#(nop)') ? command.slice(6).trim() : `RUN ${command}`;
  }
  return text.replace(/\b(file|dir|multi):([0-9a-f]{12})[0-9a-f]{20,}/g, '$1:$2');
};

const shortDigest = (digest) => digest.slice(0, digest.indexOf(':') + 13);

// An element: properties that begin with `on` are listeners, `class` and others are attributes.
const h = (tag, properties, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat()) {
    if (child === null || child === undefined) continue;
    element.append(child instanceof Node ? child : printable(String(child)));
  }
  return element;
};

// Sentences of ours, in which names stand between backticks.
const prose = (text) => text.split('`').map((part, at) => (at % 2 ? h('code', null, part) : part));

const byId = (id) => document.getElementById(id);
