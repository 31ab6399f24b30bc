// Draws a card and reports on it. Loaded after Microsoft's renderer and markdown-it.
const markdown = markdownit({ html: true, linkify: true });
AdaptiveCards.AdaptiveCard.onProcessMarkdown = (text, result) => {
  result.outputHtml = markdown.render(text);
  result.didProcess = true;
};

function parse(card, config) {
  const host = new AdaptiveCards.AdaptiveCard();
  host.hostConfig = new AdaptiveCards.HostConfig(config);
  const context = new AdaptiveCards.SerializationContext(AdaptiveCards.Versions.v1_5);
  host.parse(card, context);
  return [host, context];
}

function draw(card, config) {
  const [host] = parse(card, config);
  const element = host.render();
  element.style.backgroundColor = config.containerStyles.default.backgroundColor;
  return element;
}

const EMPTY = { texts: [], tags: [], links: [], entered: [], checkboxes: [], options: [] };

function report(card, config) {
  const [host, context] = parse(card, config);
  const problems = [];
  for (let index = 0; index < context.eventCount; index++) problems.push(context.getEventAt(index).message);
  problems.push(...host.validateProperties().validationEvents.map((event) => event.message));
  const element = host.render();
  if (!element) return { problems: [...problems, "nothing was rendered"], ...EMPTY };
  document.querySelector("main").replaceChildren(element);
  const read = (selector) => [...element.querySelectorAll(selector)].map((one) => one.innerText);
  const all = [...element.querySelectorAll("*")];
  return {
    problems,
    texts: read(".ac-textRun, .ac-textBlock, .ac-pushButton"),
    tags: [...new Set(all.map((one) => one.tagName.toLowerCase()))],
    links: all.filter((one) => one.href).map((one) => one.href),
    entered: host.getAllInputs().map((one) => one.value),
    checkboxes: read(".ac-toggleInput .ac-textBlock"),
    options: read("option:not([hidden])"),
  };
}

// What becomes of a text where Markdown and HTML are obeyed, and where HTML alone is.
function obey(text) {
  return [new markdownit({ html: true }).render(text), text].map((markup) => {
    const element = document.createElement("div");
    element.innerHTML = markup;
    return {
      text: element.innerText.trim(),
      tags: [...element.querySelectorAll("*")].map((one) => one.tagName.toLowerCase()),
    };
  });
}
