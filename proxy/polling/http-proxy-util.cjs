const util = require("node:util");

// What http-proxy takes for Node's util: _extend copies own properties, as Object.assign does, and hands a list of
// headers on as it is. Node's http.request takes a list too (names and values in turn) and writes it as it came.
module.exports = {
  ...util,
  _extend: (target, source) => (Array.isArray(source) ? source : Object.assign(target, source)),
};
