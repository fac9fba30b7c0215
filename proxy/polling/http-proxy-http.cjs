const http = require("node:http");

// What http-proxy takes for Node's http. Of plain HTTP it sets ten options of TLS and others to undefined, and Node
// copies all options of a request three times. These six are all that a request to a replica has.
module.exports = {
  __proto__: http,
  request: ({ host, port, method, path, headers, agent }) => http.request({ host, port, method, path, headers, agent }),
};
