// Options of the library by their names in JavaScript: compressionLevel is compression_level.

import { check, lib, scoped } from './module.js';

// The options of this package, which are not the library's.
const OWN = new Set(['signal', 'fetch', 'headers', 'maxDownload', 'metadata', 'decode', 'name', 'slice', 'dtype', 'share']);

function setOption(options, name, value) {
  if (OWN.has(name) || value === undefined) return;
  scoped((scope) => {
    const option = lib.tf_option_from_name(scope.text(name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))[0]);
    if (option === 0) throw new TypeError(`there is no option ${JSON.stringify(name)}`);
    if (typeof value === 'string') return check(lib.tf_options_set_string(options, option, ...scope.text(value)));
    return check(lib.tf_options_set(options, option, BigInt(value)));
  });
}

/** Returns options of the library. The scope releases them. */
export function optionsOf(given, scope) {
  const options = scope.made((out) => lib.tf_options_new(out), lib.tf_options_release);
  setOption(options, 'threads', 1);
  for (const [name, value] of Object.entries(given)) setOption(options, name, value);
  return options;
}

/** Returns the number of a format. */
export function formatNumber(format) {
  for (let index = 0; ; ++index) {
    const number = lib.tf_format_at(index);
    if (number === 0) throw new TypeError(`there is no format ${JSON.stringify(format)}`);
    if (scoped((scope) => lib.tf_format_from_path(scope.text(`file.${format}`)[0])) === number) return number;
  }
}
