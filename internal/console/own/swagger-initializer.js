// Replaces the stock file of this name.

// indented lays out JSON without reading its numbers, because JavaScript would round integers over 2^53.
const indented = (json) => {
  let indent = "\n";
  return json.replace(/"(?:\\.|[^"\\])*"|[[{]\s*[\]}]|[[\]{},:]|\s+/g, (token) => {
    if (/^\s/.test(token)) return "";
    if (/^[[{]\s*[\]}]$/.test(token)) return token[0] + token.at(-1);
    switch (token) {
      case "{": case "[": return token + (indent += "  ");
      case "}": case "]": return (indent = indent.slice(0, -2)) + token;
      case ",": return token + indent;
      case ":": return ": ";
      default: return token;
    }
  });
};

const isJSON = ({ content, contentType }) => {
  if (typeof content !== "string" || !/json/i.test(contentType)) return false;
  try { JSON.parse(content); } catch { return false; }
  return true;
};

// prefix is what stands before the API's paths behind a proxy that strips it: "" or "/prefix".
const prefix = new URL(".", location.href).pathname.slice(0, -1);

const hedgerow = ({ React, getComponent }) => ({
  components: { Topbar: () => null }, // it asks for another document
  wrapComponents: {
    responseBody: (Original) => (props) => {
      if (!isJSON(props)) return React.createElement(Original, props);
      return React.createElement("div", null,
        React.createElement("h5", null, "Response body"),
        React.createElement(getComponent("HighlightCode", true),
          { language: "json", downloadable: true, fileName: "answer.json", canCopy: true }, indented(props.content)));
    },
  },
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (original) => (document) => original(prefix ? { ...document, basePath: prefix } : document),
      },
      // The API judges the timeout, not the page: the page would hold a bad one back and never show what the API says to it.
      wrapSelectors: { validateBeforeExecute: () => () => true },
    },
  },
});

window.addEventListener("load", () => {
  window.ui = SwaggerUIBundle({
    url: "doc.json",
    dom_id: "#swagger-ui",
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    plugins: [hedgerow],
    layout: "StandaloneLayout",
    validatorUrl: null,
    deepLinking: true,
    displayRequestDuration: true,
    showCommonExtensions: true, // the range of the timeout
  });
});
