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

// Swagger UI encodes what is typed for a path parameter, or not, as it seems to need. What is typed behind the name of an API of the
// file has to go on as it is, so it is written in characters that nobody encodes, and read again when the request is complete.
const wrap = (typed) => encodeURIComponent(typed).replaceAll("~", "%7E").replaceAll("%", "~");
const unwrap = (wrapped) => decodeURIComponent(wrapped.replaceAll("~", "%"));

// A slash before it is added where none was typed. A browser would send nothing from a # on.
const target = (typed) => (typed.startsWith("/") ? "" : "/") + typed.replaceAll("#", "%23");

const wrapTarget = (call) => {
  const typed = call.parameters?.["path.path"];
  if (!/^\/proxy\/[^/]+\/\{path\}$/.test(call.pathName) || typeof typed !== "string") return call;
  return { ...call, parameters: { ...call.parameters, "path.path": wrap(target(typed)) } };
};

const unwrapTarget = (request) => {
  const [, base, wrapped] = /^(.*\/proxy\/[^/?]+)\/(~2F[^/?]*)$/.exec(request.url) ?? [];
  if (wrapped) request.url = base + unwrap(wrapped);
  return request;
};

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
        executeRequest: (original) => (call) => original(wrapTarget(call)),
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
    requestInterceptor: unwrapTarget,
  });
});
