// What every map is made of: a node has a name, the node above it (`up`), what it holds (`kids`, the largest first), its bytes,
// those of each class (`sums`), and how many files it stands for. CLASSES are the document's.

// A node of which only sums are known.
class Sum {
  constructor(name, up, kids) {
    Object.assign(this, { name, up, kids, sums: CLASSES.map(() => 0), bytes: 0, files: 0, isLeaf: false });
  }

  // Its numbers are those of what it holds.
  add() {
    this.kids.sort((a, b) => b.bytes - a.bytes);
    this.bytes = this.kids.reduce((all, kid) => all + kid.bytes, 0);
    this.files = this.kids.reduce((all, kid) => all + kid.files, 0);
    this.sums = CLASSES.map((_, one) => this.kids.reduce((all, kid) => all + kid.sums[one], 0));
  }
}
