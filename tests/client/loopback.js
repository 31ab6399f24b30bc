// Preloaded into the Agents Playground, which would listen on every interface: behind it is a demo that believes whoever asks.
const { Server } = require("node:net");

const listen = Server.prototype.listen;
Server.prototype.listen = function (first, ...rest) {
  return typeof first === "number" && typeof rest[0] !== "string"
    ? listen.call(this, first, "127.0.0.1", ...rest)
    : listen.call(this, first, ...rest);
};
