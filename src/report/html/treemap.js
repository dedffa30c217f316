// The map: areas are bytes. It draws a node and what it holds, as deep as there is room, and knows what lies where.

const HEAD = 19;
const GAP = 2;
const LEAST = 14; // square pixels: what is smaller is not drawn by itself

class Treemap {
  constructor(canvas, listener) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d');
    this.listener = listener;
    this.areas = [];
    this.chosen = null;
    this.node = null;
    canvas.addEventListener('pointermove', (event) => listener.hover(this.at(event.offsetX, event.offsetY)));
    canvas.addEventListener('pointerleave', () => listener.hover(null));
    canvas.addEventListener('click', (event) => {
      const top = this.topAt(event.offsetX, event.offsetY);
      if (top) listener.open(top.node);
    });
    canvas.addEventListener('keydown', (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(node) {
    this.node = node;
    this.chosen = null;
    this.draw();
  }

  choose(node) {
    if (this.chosen === node) return;
    this.chosen = node;
    this.draw();
  }

  // The deepest area at a point.
  at(x, y) {
    for (let at = this.areas.length - 1; at >= 0; at -= 1) {
      const area = this.areas[at];
      if (x >= area.x && x < area.x + area.w && y >= area.y && y < area.y + area.h) return area.node;
    }
    return null;
  }

  topAt(x, y) {
    return this.tops().find((area) => x >= area.x && x < area.x + area.w && y >= area.y && y < area.y + area.h);
  }

  tops() {
    return this.areas.filter((area) => area.depth === 1);
  }

  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (moves[event.key]) this.move(...moves[event.key]);
    else if (event.key === 'Enter' && this.chosen) this.listener.open(this.chosen);
    else if (event.key === 'Escape' || event.key === 'Backspace') this.listener.out();
    else if (event.key === 'Home') this.listener.home();
    else return;
    event.preventDefault();
  }

  // To the nearest area in a direction; to the largest where none is chosen.
  move(dx, dy) {
    const tops = this.tops();
    const now = tops.find((area) => area.node === this.chosen);
    let best = now ? null : tops[0];
    let least = Infinity;
    const middle = (area) => [area.x + area.w / 2, area.y + area.h / 2];
    for (const area of now ? tops : []) {
      const [x, y] = middle(area);
      const [nowX, nowY] = middle(now);
      const along = (x - nowX) * dx + (y - nowY) * dy;
      const beside = Math.abs((x - nowX) * dy) + Math.abs((y - nowY) * dx);
      if (area !== now && along > 0.5 && along + 2 * beside < least) {
        least = along + 2 * beside;
        best = area;
      }
    }
    if (!best) return;
    this.choose(best.node);
    this.listener.choose(best.node);
  }

  draw() {
    const { canvas, context, node } = this;
    if (!node) return;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const scale = window.devicePixelRatio || 1;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    context.setTransform(scale, 0, 0, scale, 0, 0);
    const styles = getComputedStyle(canvas);
    const color = (name) => styles.getPropertyValue(name).trim();
    this.paint = {
      classes: CLASSES.map((one) => [color(`--map-${one.key}`), color(`--map-${one.key}-2`)]),
      frame: color('--map-frame'),
      ground: color('--map-ground'),
      text: color('--map-text'),
      head: color('--map-head'),
      accent: color('--accent'),
      font: styles.fontFamily,
    };
    this.areas = [];
    context.fillStyle = this.paint.ground;
    context.fillRect(0, 0, width, height);
    context.textBaseline = 'middle';
    this.inside(node, { x: 0, y: 0, w: width, h: height }, 1);
    if (node.bytes === 0) this.label('no bytes', { x: 0, y: 0, w: width, h: 40 }, false);
    this.outline();
  }

  outline() {
    const area = this.areas.find((one) => one.node === this.chosen);
    if (!area) return;
    this.context.strokeStyle = this.paint.accent;
    this.context.lineWidth = 3;
    this.context.strokeRect(area.x + 1.5, area.y + 1.5, Math.max(0, area.w - 3), Math.max(0, area.h - 3));
  }

  inside(node, box, depth) {
    if (node.bytes === 0) return;
    const unit = (box.w * box.h) / node.bytes;
    const drawn = [];
    for (const kid of node.kids) {
      if (kid.bytes * unit < LEAST) break; // the largest come first
      drawn.push(kid);
    }
    if (drawn.length < node.kids.length) this.ground(node, box);
    for (const { kid, x, y, w, h } of squarify(drawn, box, unit)) this.area(kid, { x, y, w, h }, depth);
  }

  area(node, box, depth) {
    const { context, paint } = this;
    const gap = depth === 1 ? GAP : 1;
    const rect = { x: box.x, y: box.y, w: Math.max(0, box.w - gap), h: Math.max(0, box.h - gap) };
    this.areas.push({ node, depth, ...box });
    const hasRoom = !node.isLeaf && rect.w > 34 && rect.h > HEAD + 16 && depth < 9;
    if (!hasRoom) {
      this.fill(node, rect);
      this.label(node.name, rect, true, node);
      return;
    }
    context.fillStyle = depth % 2 ? paint.frame : paint.head;
    context.fillRect(rect.x, rect.y, rect.w, rect.h);
    this.label(node.name, { ...rect, h: HEAD }, true, node, true);
    this.inside(node, { x: rect.x + 2, y: rect.y + HEAD, w: rect.w - 3, h: rect.h - HEAD - 2 }, depth + 1);
  }

  // The colour of what most of its bytes are; of several kinds, a strip below shows how much of each.
  fill(node, rect) {
    const { context, paint } = this;
    const most = node.sums.indexOf(Math.max(...node.sums));
    let shade = 0;
    for (const letter of node.name.slice(0, 24)) shade = (shade * 31 + letter.charCodeAt(0)) % 97;
    context.fillStyle = paint.classes[most][shade % 2];
    context.fillRect(rect.x, rect.y, rect.w, rect.h);
    if (most === HATCHED) this.hatch(rect);
    if (node.sums[most] >= node.bytes * 0.97 || rect.w < 20 || rect.h < 14) return;
    let x = rect.x;
    node.sums.forEach((sum, one) => {
      const w = (sum / node.bytes) * rect.w;
      context.fillStyle = paint.classes[one][1];
      context.fillRect(x, rect.y + rect.h - 4, w, 4);
      x += w;
    });
  }

  // What is too small to be drawn by itself: the colour that most of it has, paler.
  ground(node, box) {
    const { context, paint } = this;
    context.globalAlpha = 0.55;
    context.fillStyle = paint.classes[node.sums.indexOf(Math.max(...node.sums))][0];
    context.fillRect(box.x, box.y, Math.max(0, box.w - 1), Math.max(0, box.h - 1));
    context.globalAlpha = 1;
  }

  hatch(rect) {
    const { context, paint } = this;
    context.save();
    context.beginPath();
    context.rect(rect.x, rect.y, rect.w, rect.h);
    context.clip();
    context.strokeStyle = paint.ground;
    context.globalAlpha = 0.45;
    context.lineWidth = 1;
    context.beginPath();
    for (let x = rect.x - rect.h; x < rect.x + rect.w; x += 7) {
      context.moveTo(x, rect.y + rect.h);
      context.lineTo(x + rect.h, rect.y);
    }
    context.stroke();
    context.restore();
  }

  label(name, rect, isCut, node, isHead) {
    const { context, paint } = this;
    if (rect.w < 30 || rect.h < 13) return;
    context.fillStyle = paint.text;
    context.font = `${isHead ? 600 : 400} 12px ${paint.font}`;
    const room = rect.w - 10;
    const middle = isHead || rect.h < 34 ? rect.y + rect.h / 2 : rect.y + 13;
    const shown = cut(context, printable(name), room);
    if (!shown) return;
    context.fillText(shown, rect.x + 5, middle);
    if (!node) return;
    const bytes = size(node.bytes);
    const [nameWidth, width] = [context.measureText(shown).width, context.measureText(bytes).width];
    context.globalAlpha = 0.75;
    context.font = `400 12px ${paint.font}`;
    if (isHead && nameWidth + width + 18 < room) context.fillText(bytes, rect.x + rect.w - width - 6, middle);
    else if (!isHead && rect.h >= 34 && width < room) context.fillText(bytes, rect.x + 5, middle + 16);
    context.globalAlpha = 1;
  }
}

// As much of a text as there is room for.
const cut = (context, text, room) => {
  if (context.measureText(text).width <= room) return text;
  let [low, high] = [0, Math.min(text.length, 200)];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (context.measureText(`${text.slice(0, middle)}…`).width <= room) low = middle;
    else high = middle - 1;
  }
  return low < 3 ? '' : `${text.slice(0, low)}…`;
};

// Boxes for nodes, the largest first, as nearly square as can be (Bruls, Huizing and van Wijk).
const squarify = (nodes, box, unit) => {
  const out = [];
  let { x, y, w, h } = box;
  let at = 0;
  const worst = (side, sum, most, least) => Math.max((side * side * most) / (sum * sum), (sum * sum) / (side * side * least));
  while (at < nodes.length && w > 0 && h > 0) {
    const side = Math.min(w, h);
    const first = nodes[at].bytes * unit;
    let [sum, past] = [first, at + 1];
    while (past < nodes.length) {
      const next = nodes[past].bytes * unit;
      if (worst(side, sum + next, first, next) > worst(side, sum, first, nodes[past - 1].bytes * unit)) break;
      sum += next;
      past += 1;
    }
    const thick = sum / side;
    let along = 0;
    for (; at < past; at += 1) {
      const length = (nodes[at].bytes * unit) / thick;
      out.push(w >= h ? { kid: nodes[at], x, y: y + along, w: thick, h: length } : { kid: nodes[at], x: x + along, y, w: length, h: thick });
      along += length;
    }
    if (w >= h) [x, w] = [x + thick, w - thick];
    else [y, h] = [y + thick, h - thick];
  }
  return out;
};
