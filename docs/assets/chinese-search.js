/* The index of the site knows Chinese character by character: a query asks for every character of a word. */
const send = Worker.prototype.postMessage;
Worker.prototype.postMessage = function (message, ...rest) {
  if (message && message.type === 2 && typeof message.data === "string") {
    const data = message.data.replace(/\p{sc=Han}+/gu, (word) => [...word].map((one) => ` +${one}`).join(""));
    message = { ...message, data };
  }
  return send.call(this, message, ...rest);
};
