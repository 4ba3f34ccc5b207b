// Blocks of a K × K picture: every pair of groups of classes is closed, then one block, or open, then cells.

/** A block is numbered (number of groups) × row + column. Without groups, all is cells. */
export class Blocks {
  open = new Set();

  /** @param {{name: string, count: number}[]} groups runs of rows, and of columns alike, from the first */
  constructor(groups) {
    this.groups = groups;
    this.grouped = groups.length > 0;
    this.starts = [0];
    for (const { count } of groups) this.starts.push(this.starts.at(-1) + count);
  }

  /** Average what lies between two different classes, where it is a number. */
  setMeans(order, values) {
    this.means = this.groups.flatMap((_, g) => this.groups.map((_, h) => this.meanOf(order, values, g, h)));
  }

  meanOf(order, values, g, h) {
    let [sum, count] = [0, 0];
    for (let i = this.starts[g]; i < this.starts[g + 1]; i++) {
      for (let j = this.starts[h]; j < this.starts[h + 1]; j++) {
        const value = values[order[i] * order.length + order[j]];
        if (i === j || Number.isNaN(value)) continue;
        sum += value;
        count++;
      }
    }
    return sum / count;
  }

  groupsOf(block) {
    return [Math.floor(block / this.groups.length), block % this.groups.length];
  }

  name(block) {
    const [row, column] = this.groupsOf(block).map((group) => this.groups[group].name);
    return row === column ? `among ${row}` : `${row} against ${column}`;
  }

  /** Pairs of two different classes in a block; a pair within a group is counted once. */
  pairs(block) {
    const [row, column] = this.groupsOf(block);
    const [n, m] = [this.groups[row].count, this.groups[column].count];
    return row === column ? (n * (n - 1)) / 2 : n * m;
  }

  /** First row, first column, and the row and column after the last. */
  extent(block) {
    const [g, h] = this.groupsOf(block);
    return [this.starts[g], this.starts[h], this.starts[g + 1], this.starts[h + 1]];
  }

  closed() {
    return [...new Array(this.groups.length ** 2).keys()].filter((block) => !this.open.has(block));
  }

  /** The block of a cell; null without groups. */
  at(i, j) {
    if (!this.grouped) return null;
    const groupOf = (cell) => this.starts.findLastIndex((start) => start <= cell);
    return groupOf(i) * this.groups.length + groupOf(j);
  }

  /** The closed block of a cell; null where cells are seen. */
  closedAt(i, j) {
    const block = this.at(i, j);
    return block === null || this.open.has(block) ? null : block;
  }

  /** Extent of what is seen at a cell: its closed block, or itself. */
  around(i, j) {
    const block = this.closedAt(i, j);
    return block === null ? [i, j, i + 1, j + 1] : this.extent(block);
  }

  toggle(block) {
    if (!this.open.delete(block)) this.open.add(block);
  }

  /** The cell of `count` one step away; a closed block is one step. */
  step([i, j], [down, right], count) {
    const [top, left, bottom, end] = this.around(i, j);
    const row = down > 0 ? bottom : down < 0 ? top - 1 : i;
    const column = right > 0 ? end : right < 0 ? left - 1 : j;
    return Math.min(row, column) < 0 || Math.max(row, column) >= count ? [i, j] : [row, column];
  }
}
