const http = require("node:http");

// A http for the http-proxy package. For plain HTTP the package sets ten options of TLS and others to undefined, and
// Node copies all options of a request three times. These six options are all that a request to a replica has.
module.exports = {
  __proto__: http,
  request: ({ host, port, method, path, headers, agent }) => http.request({ host, port, method, path, headers, agent }),
};
