// The page that `tensorfile report` writes. Everything in the data, names above all, comes from files that nobody has
// vetted: it only reaches the page through textContent, and the keys of maps are those of Map, never of an object.
'use strict';
(() => {
  const data = JSON.parse(document.getElementById('data').textContent);
  const ROW_HEIGHT = 28;
  // Browsers limit the height of an element; more rows than these cannot be reached by scrolling.
  const MOST_ROWS = 500000;
  // A deeper name keeps the rest as one label, so that a hostile name cannot exhaust the stack.
  const MOST_LEVELS = 16;
  const MOST_TOTALS = 12;
  // Modules are open at first as long as no more rows than these are shown.
  const FIRST_ROWS = 40;

  // Text for people.

  const get = (id) => document.getElementById(id);
  const count = (n) => n.toLocaleString('en');
  const plural = (n, noun) => `${count(n)} ${noun}${n === 1 ? '' : 's'}`;
  const compact = (n) => n.toLocaleString('en', {notation: 'compact', maximumFractionDigits: 1});
  const number = (n) => rounded(n, 6);
  const collator = new Intl.Collator('en', {numeric: true});

  // Like %g of printf: the ellipsis of a cell that is too narrow must not hide an exponent.
  function rounded(n, digits) {
    if (n === null || n === undefined) return '';
    const size = Math.abs(n);
    if (n === 0 || (size >= 1e-3 && size < 1e6)) return String(Number(n.toPrecision(digits)));
    return n.toExponential(digits - 1).replace(/\.?0*e/u, 'e');
  }

  function bytes(n) {
    const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];
    let unit = 0;
    for (; n >= 1024; ++unit) n /= 1024;
    return `${unit === 0 || n >= 100 ? Math.floor(n) : (Math.floor(n * 10) / 10).toFixed(1)} ${units[unit]}`;
  }

  function percent(part, whole) {
    if (!part || !whole) return '0';
    const share = (100 * part) / whole;
    return share < 0.1 ? '<0.1%' : `${Number(share.toFixed(1))}%`;
  }

  // Elements of the page.

  function element(tag, text, className) {
    const node = document.createElement(tag);
    if (text !== undefined) node.textContent = text;
    if (className) node.className = className;
    return node;
  }

  function append(parent, ...children) {
    parent.append(...children);
    return parent;
  }

  function button(text, action) {
    const node = element('button', text, 'link');
    node.type = 'button';
    node.addEventListener('click', action);
    return node;
  }

  function svg(tag, attributes) {
    const node = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  }

  function histogram(bins) {
    const most = Math.max(...bins);
    const picture = svg('svg', {class: 'histogram', viewBox: `0 0 ${bins.length} 100`, preserveAspectRatio: 'none',
      role: 'img', 'aria-label': `Histogram of ${bins.length} bars: ${bins.join(', ')}`});
    bins.forEach((bin, i) => {
      // A bar of any value is visible.
      const height = bin === 0 ? 0 : Math.max(2, (100 * bin) / most);
      picture.append(svg('rect', {x: i + 0.05, y: 100 - height, width: 0.9, height}));
    });
    return picture;
  }

  // Draws a bar in a cell for a part of a whole.
  function addBar(cell, part, whole) {
    cell.classList.add('bar');
    const bar = element('i');
    bar.style.width = `${whole > 0 ? (100 * part) / whole : 0}%`;
    cell.append(bar);
  }

  // The columns of the table.

  const nonfinite = (array) => (array.nan === undefined ? undefined : array.nan + array.inf);
  const least = (a, b) => (b === undefined || a < b ? a : b);
  const greatest = (a, b) => (b === undefined || a > b ? a : b);
  const sum = (a, b) => a + (b ?? 0);
  const error = (key) => (array) => array.error?.[key];
  // `value` is what a column sorts by; `combine` makes the value of a module from those of its arrays.
  const columns = [
    {id: 'name', title: 'Array', width: 275, value: (array) => array.name},
    {id: 'dtype', title: 'Dtype', width: 90, value: (array) => array.dtype},
    {id: 'shape', title: 'Shape', width: 135, value: (array) => array.elements, combine: sum, number: true},
    {id: 'bytes', title: 'Size', width: 90, value: (array) => array.bytes, combine: sum, text: bytes, number: true},
    {id: 'min', title: 'Min', width: 80, value: (array) => array.min, combine: least, number: true},
    {id: 'max', title: 'Max', width: 80, value: (array) => array.max, combine: greatest, number: true},
    {id: 'mean', title: 'Mean', width: 90, value: (array) => array.mean, number: true},
    {id: 'std', title: 'Std', width: 75, value: (array) => array.std, number: true},
    {id: 'zeros', title: 'Zeros', width: 65, value: (array) => array.zeros && array.zeros / array.elements,
      text: (share) => percent(share, 1), number: true},
    {id: 'nonfinite', title: 'Nan, inf', width: 80, value: nonfinite, combine: sum, text: count, number: true},
    {id: 'histogram', title: 'Distribution', width: 120},
  ];
  if (data.original) {
    columns.push(
      {id: 'rms', title: 'RMS error', width: 95, value: error('rms'), combine: greatest, number: true},
      {id: 'largest', title: 'Max error', width: 95, value: error('max'), combine: greatest, number: true},
      {id: 'relative', title: 'Relative', width: 85, value: error('relative'), combine: greatest, number: true});
  }
  const columnById = new Map(columns.map((column) => [column.id, column]));

  // The tree of modules.

  // An array is a leaf: {array, label, level}. A module is {label, level, open, children, modules, values}.
  function newModule(label, parent, prefix) {
    return {label, parent, prefix, open: false, level: 0, children: [], modules: new Map(), values: new Map(), arrays: 0};
  }

  function addArray(root, array, index) {
    const parts = array.name.split(/(?<=[./])/u);
    if (parts.length > MOST_LEVELS) parts.push(parts.splice(MOST_LEVELS - 1).join(''));
    const label = parts.pop();
    let module = root;
    for (const part of parts) {
      let next = module.modules.get(part);
      if (!next) {
        next = newModule(part, module, module.prefix + part);
        module.modules.set(part, next);
        module.children.push(next);
      }
      module = next;
    }
    const values = new Map(columns.filter((column) => column.value).map((column) => [column.id, column.value(array)]));
    module.children.push({array, label, parent: module, index, values, level: 0});
  }

  // Joins each module that contains a single array or module with that one, so that "norm.weight" is one row.
  function joinSingles(module) {
    module.children.forEach((child, i) => {
      while (child.children?.length === 1) {
        const [only] = child.children;
        only.label = child.label + only.label;
        only.parent = module;
        child = only;
      }
      module.children[i] = child;
      if (child.children) joinSingles(child);
    });
  }

  function combineValues(module, level) {
    module.level = level;
    module.index = Infinity;
    for (const child of module.children) {
      if (child.children) combineValues(child, level + 1);
      child.level = level + 1;
      module.arrays += child.children ? child.arrays : 1;
      module.index = Math.min(module.index, child.index);
      for (const {id, combine} of columns) {
        const value = child.values.get(id);
        if (combine && value !== undefined && value !== null) {
          module.values.set(id, combine(value, module.values.get(id)));
        }
      }
    }
  }

  function makeTree() {
    const root = newModule('', null, '');
    data.arrays.forEach((array, i) => addArray(root, array, i));
    joinSingles(root);
    combineValues(root, 0);
    return root;
  }

  function eachModule(module, use) {
    for (const child of module.children) {
      if (!child.children) continue;
      use(child);
      eachModule(child, use);
    }
  }

  // Which rows are shown, and in which order.

  const root = makeTree();
  const state = {words: [], sort: '', descending: false, rows: [], selected: null, top: -1};

  function matches(array) {
    const text = `${array.name} ${array.dtype}`.toLowerCase();
    return state.words.every((word) => text.includes(word));
  }

  // Values that are missing come last in both directions. Without a sort, the order is that of the file.
  function compare(a, b) {
    if (!state.sort) return a.index - b.index;
    const key = (row) => (state.sort === 'name' ? row.array?.name ?? row.prefix : row.values.get(state.sort));
    const [x, y] = [key(a), key(b)];
    const [noX, noY] = [x === undefined || x === null, y === undefined || y === null];
    if (noX || noY) return noX - noY || a.index - b.index;
    const order = typeof x === 'string' ? collator.compare(x, y) : x - y;
    return (state.descending ? -order : order) || a.index - b.index;
  }

  // Appends the rows of a module that match. While there is a search, modules with matches are open.
  function addRows(module, rows) {
    const searching = state.words.length > 0;
    for (const child of [...module.children].sort(compare)) {
      if (child.array) {
        if (matches(child.array)) rows.push(child);
        continue;
      }
      const at = rows.length;
      rows.push(child);
      if (searching || child.open) addRows(child, rows);
      if (searching && rows.length === at + 1) rows.pop();
    }
  }

  function leaves(module, found = []) {
    for (const child of module.children) child.array ? found.push(child) : leaves(child, found);
    return found;
  }

  function update() {
    state.rows = [];
    const matching = leaves(root).filter((leaf) => matches(leaf.array));
    if (get('tree').checked) {
      addRows(root, state.rows);
    } else {
      state.rows = matching.sort(compare);
    }
    const clipped = state.rows.length > MOST_ROWS;
    get('status').textContent =
      (state.words.length > 0 ? `${count(matching.length)} of ` : '') + plural(data.arrays.length, 'array') +
      (clipped ? `; the first ${count(MOST_ROWS)} rows are listed` : '');
    if (clipped) state.rows.length = MOST_ROWS;
    get('grid').setAttribute('aria-rowcount', state.rows.length + 1);
    for (const title of get('titles').children) {
      const sorted = title.dataset.id === state.sort;
      title.setAttribute('aria-sort', !sorted ? 'none' : state.descending ? 'descending' : 'ascending');
      title.querySelector('.direction').textContent = !sorted ? '' : state.descending ? ' ▼' : ' ▲';
    }
    draw(true);
  }

  // Drawing. Only the rows in view are elements.

  function nameCell(row) {
    const cell = element('td', undefined, 'name');
    const inTree = get('tree').checked;
    if (inTree) cell.style.paddingLeft = `${0.6 + (row.level - 1) * 1.1}rem`;
    cell.append(element('span', row.array ? '' : row.open || state.words.length > 0 ? '▾' : '▸', 'toggle'));
    const label = row.array ? (inTree ? row.label : row.array.name) || '(no name)' : row.label;
    cell.append(element('span', label));
    if (!row.array) cell.append(element('span', ` ${plural(row.arrays, 'array')}`, 'muted'));
    cell.title = row.array ? row.array.name : row.prefix;
    return cell;
  }

  function cellOf(column, row) {
    if (column.id === 'name') return nameCell(row);
    const cell = element('td', undefined, column.number ? 'number' : '');
    if (column.id === 'histogram') {
      if (row.array?.histogram) cell.append(histogram(row.array.histogram));
      return cell;
    }
    if (row.array && (column.id === 'dtype' || column.id === 'shape')) {
      cell.textContent = row.array[column.id];
      return cell;
    }
    const value = row.values.get(column.id);
    if (value === undefined || value === null) return cell;
    cell.textContent = column.id === 'shape' ? `${compact(value)} elements` : column.text ? column.text(value) : rounded(value, 4);
    if (column.id === 'bytes') addBar(cell, value, root.values.get('bytes'));
    if (column.id === 'nonfinite' && value > 0) cell.classList.add('bad');
    if (!row.array && column.id !== 'bytes') cell.classList.add('muted');
    return cell;
  }

  function rowElement(row, position) {
    const node = element('tr');
    node.id = `row-${position}`;
    node.setAttribute('aria-rowindex', position + 2);
    node.setAttribute('aria-level', get('tree').checked ? row.level : 1);
    node.setAttribute('aria-selected', row === state.selected);
    if (!row.array) node.setAttribute('aria-expanded', row.open || state.words.length > 0);
    node.style.height = `${ROW_HEIGHT}px`;
    node.append(...columns.map((column) => cellOf(column, row)));
    node.addEventListener('click', () => {
      select(position);
      if (!row.array) toggle(row);
    });
    return node;
  }

  function spacer(rows) {
    const node = element('tr', undefined, 'spacer');
    node.setAttribute('aria-hidden', 'true');
    const cell = element('td');
    cell.colSpan = columns.length;
    cell.style.height = `${rows * ROW_HEIGHT}px`;
    return append(node, cell);
  }

  function draw(changed) {
    const viewport = get('viewport');
    const shown = Math.ceil(window.innerHeight / ROW_HEIGHT) + 10;
    const last = Math.max(0, state.rows.length - shown);
    // An even first row keeps scrolling by less than two rows from redrawing.
    const top = Math.min(last, Math.max(0, Math.floor(viewport.scrollTop / ROW_HEIGHT) - 4) & ~1);
    if (!changed && top === state.top) return;
    state.top = top;
    const rows = state.rows.slice(top, top + shown);
    get('rows').replaceChildren(spacer(top), ...rows.map((row, i) => rowElement(row, top + i)),
      spacer(state.rows.length - top - rows.length));
    const selected = state.rows.indexOf(state.selected);
    if (selected < 0) {
      get('grid').removeAttribute('aria-activedescendant');
    } else {
      get('grid').setAttribute('aria-activedescendant', `row-${selected}`);
    }
  }

  // What the user does.

  function select(position) {
    if (state.rows.length === 0) return;
    position = Math.min(Math.max(position, 0), state.rows.length - 1);
    state.selected = state.rows[position];
    const viewport = get('viewport');
    const top = position * ROW_HEIGHT;
    const height = viewport.clientHeight - get('titles').offsetHeight;
    viewport.scrollTop = Math.min(top, Math.max(viewport.scrollTop, top + ROW_HEIGHT - height));
    showDetails(state.selected);
    draw(true);
  }

  function toggle(row, open = !row.open) {
    if (!get('tree').checked || state.words.length > 0) return;
    row.open = open;
    update();
  }

  function sortBy(id) {
    // Numbers are first sorted from the largest, then from the smallest, then as in the file.
    const first = columnById.get(id).number === true;
    if (state.sort !== id) {
      [state.sort, state.descending] = [id, first];
    } else if (state.descending === first) {
      state.descending = !first;
    } else {
      state.sort = '';
    }
    update();
  }

  function search(text) {
    get('search').value = text;
    state.words = text.toLowerCase().split(/\s+/u).filter((word) => word);
    get('viewport').scrollTop = 0;
    update();
  }

  function openAll(open) {
    eachModule(root, (module) => { module.open = open; });
    update();
  }

  function openFirst() {
    const queue = [root];
    let rows = root.children.length;
    for (let module = queue.shift(); module; module = queue.shift()) {
      for (const child of module.children) {
        if (!child.children || rows + child.children.length > FIRST_ROWS) continue;
        child.open = true;
        rows += child.children.length;
        queue.push(child);
      }
    }
  }

  function onKey(event) {
    const at = state.rows.indexOf(state.selected);
    const row = at < 0 ? null : state.rows[at];
    const page = Math.floor(get('viewport').clientHeight / ROW_HEIGHT) - 1;
    const moves = {ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: state.rows.length};
    if (Object.hasOwn(moves, event.key)) {
      select(moves[event.key]);
    } else if (row?.children && (event.key === 'Enter' || event.key === ' ')) {
      toggle(row);
    } else if (row?.children && event.key === 'ArrowRight') {
      row.open ? select(at + 1) : toggle(row, true);
    } else if (row?.children && row.open && event.key === 'ArrowLeft') {
      toggle(row, false);
    } else if (row && event.key === 'ArrowLeft' && get('tree').checked) {
      const parent = state.rows.indexOf(row.parent);
      if (parent >= 0) select(parent);
    } else {
      return;
    }
    event.preventDefault();
  }

  // The details of the selected row.

  function facts(entries) {
    const list = element('dl');
    for (const [term, text] of entries) {
      if (text !== '') append(list, element('dt', term), element('dd', text));
    }
    return list;
  }

  function moduleFacts(row) {
    return facts([['Arrays', count(row.arrays)], ['Elements', count(row.values.get('shape'))],
      ['Size', bytes(row.values.get('bytes'))], ['Share', percent(row.values.get('bytes'), root.values.get('bytes'))]]);
  }

  function errorFacts(array) {
    if (!array.error) return [];
    const {original, problem, rms, max, relative, excluded} = array.error;
    return [['Original', [original, problem].filter((text) => text).join(': ')], ['RMS error', number(rms)],
      ['Max error', number(max)], ['Relative error', number(relative)],
      ['Not compared', excluded ? `${plural(excluded, 'pair')} with nan or inf` : '']];
  }

  function arrayFacts(array) {
    const known = array.min !== undefined;
    return facts([['Dtype', array.dtype], ['Shape', array.shape], ['Elements', count(array.elements)],
      ['Size', bytes(array.bytes)], ['Share', percent(array.bytes, root.values.get('bytes'))], ['Min', number(array.min)],
      ['Max', number(array.max)], ['Mean', number(array.mean)], ['Std', number(array.std)],
      ['Zeros', !known ? '' : array.zeros ? `${count(array.zeros)} (${percent(array.zeros, array.elements)})` : '0'],
      ['Nan', known ? count(array.nan) : ''], ['Infinite', known ? count(array.inf) : ''], ...errorFacts(array)]);
  }

  function showDetails(row) {
    const panel = get('details');
    panel.replaceChildren();
    if (!row) {
      panel.append(element('p', 'Select a row to see its details.', 'muted'));
      return;
    }
    panel.append(element('h3', row.array ? row.array.name || '(no name)' : row.prefix, 'name'));
    if (row.array?.problem) panel.append(element('p', row.array.problem, 'bad'));
    if (row.array?.histogram) {
      const axis = element('div', undefined, 'axis');
      axis.append(element('span', number(row.array.min)), element('span', number(row.array.max)));
      panel.append(histogram(row.array.histogram), axis);
    }
    panel.append(row.array ? arrayFacts(row.array) : moduleFacts(row));
  }

  // The other parts of the page.

  // Each item is {label, query, arrays, bytes}.
  function fillTotals(table, items) {
    const whole = root.values.get('bytes') ?? 0;
    items.sort((a, b) => b.bytes - a.bytes);
    if (items.length > MOST_TOTALS) {
      const others = items.splice(MOST_TOTALS - 1);
      items.push({label: plural(others.length, 'other'), arrays: others.reduce((n, item) => n + item.arrays, 0),
        bytes: others.reduce((n, item) => n + item.bytes, 0)});
    }
    for (const item of items) {
      const name = element('td', undefined, 'name');
      name.title = item.label;
      name.append(item.query ? button(item.label, () => search(item.query)) : element('span', item.label, 'muted'));
      const size = element('td', bytes(item.bytes), 'number');
      addBar(size, item.bytes, whole);
      table.append(append(element('tr'), name, element('td', plural(item.arrays, 'array'), 'number'), size,
        element('td', percent(item.bytes, whole), 'number')));
    }
  }

  function dtypeTotals() {
    const totals = new Map();
    for (const {dtype, bytes: size} of data.arrays) {
      const item = totals.get(dtype) ?? {label: dtype, query: dtype, arrays: 0, bytes: 0};
      item.arrays += 1;
      item.bytes += size;
      totals.set(dtype, item);
    }
    return [...totals.values()];
  }

  // The modules of the first level. The largest ones are divided as long as the table can show all of them.
  function moduleTotals() {
    const items = [...root.children];
    const size = (row) => row.values.get('bytes');
    for (;;) {
      items.sort((a, b) => size(b) - size(a));
      const largest = items.findIndex((row) => row.children && items.length - 1 + row.children.length <= MOST_TOTALS);
      if (largest < 0) break;
      items.splice(largest, 1, ...items[largest].children);
    }
    return items.map((row) => {
      const name = row.array ? row.array.name : row.prefix;
      return {label: name || '(no name)', query: name, arrays: row.arrays ?? 1, bytes: size(row)};
    });
  }

  function fillHeader() {
    document.title = `${data.path} – tensorfile report`;
    get('path').textContent = data.path;
    get('summary').textContent = [data.format, plural(data.arrays.length, 'array'),
      plural(root.values.get('shape') ?? 0, 'element'), bytes(root.values.get('bytes') ?? 0)].join(' · ') +
      (data.original ? ` · compared with ${data.original.path} (${data.original.format})` : '');
    get('made').textContent = `Made by tensorfile ${data.version}.`;
    const notes = [...data.notes];
    if (data.original?.missing > 0) {
      notes.push(`${data.original.path} has ${plural(data.original.missing, 'array')} more: ${data.original.examples.join(', ')}` +
        (data.original.missing > data.original.examples.length ? ', ...' : ''));
    }
    get('notes').append(...notes.map((note) => element('li', note)));
  }

  function fillMetadata() {
    get('metadata-section').hidden = data.metadata.length === 0;
    for (const {key, type, value} of data.metadata) {
      get('metadata').append(append(element('tr'), element('td', key, 'name'), element('td', type, 'muted'),
        append(element('td'), element('pre', value))));
    }
  }

  function fillTitles() {
    for (const column of columns) {
      const title = element('th', undefined, column.number ? 'number' : '');
      title.scope = 'col';
      title.dataset.id = column.id;
      title.style.width = `${column.width}px`;
      title.append(column.value ? button(column.title, () => sortBy(column.id)) : element('span', column.title),
        element('span', '', 'direction'));
      get('titles').append(title);
    }
    get('grid').style.minWidth = `${columns.reduce((width, column) => width + column.width, 0)}px`;
  }

  function listen() {
    get('search').addEventListener('input', () => search(get('search').value));
    get('tree').addEventListener('change', update);
    get('expand').addEventListener('click', () => openAll(true));
    get('collapse').addEventListener('click', () => openAll(false));
    get('viewport').addEventListener('scroll', () => draw(false), {passive: true});
    get('grid').addEventListener('keydown', (event) => { if (event.target === get('grid')) onKey(event); });
    window.addEventListener('resize', () => draw(true));
    document.addEventListener('keydown', (event) => {
      if (event.key !== '/' || event.target.tagName === 'INPUT') return;
      event.preventDefault();
      get('search').focus();
    });
  }

  fillHeader();
  fillTotals(get('dtypes'), dtypeTotals());
  fillTotals(get('modules'), moduleTotals());
  fillMetadata();
  fillTitles();
  showDetails(null);
  listen();
  openFirst();
  update();
})();
