// Runs after every request, before the request's own script. It checks what holds for every answer.
// These are the bodies that the API's document, api/openapi.json, describes:
const schemas = __SCHEMAS__;
const answers = __ANSWERS__;

const status = pm.response.code;
const proxied = pm.request.url.getPath().startsWith('/proxy/');
const documented = answers[pm.request.method + ' ' + pm.request.url.getPath()] || (proxied ? answers.proxy : answers.elsewhere);
const isError = status >= 400 && !(proxied && status === 500); // that one is the testing server's own

pm.test('the answer comes within the timeout', () => {
    const asked = proxied ? pm.request.headers.get('Hedgerow-Timeout') : pm.request.url.query.get('timeout');
    const atOnce = [204, 400, 404, 405, 503].includes(status) || !/^\d+$/.test(asked);
    const limit = (atOnce ? 0 : Number(asked)) + Number(pm.variables.get('margin'));
    pm.expect(pm.response.responseTime).to.be.at.most(limit);
});

pm.test('the status is documented', () => {
    pm.expect(Object.keys(documented)).to.include(String(status));
});

pm.test('the media type is that of ' + (isError ? 'a problem' : 'a success'), () => {
    const mediaType = pm.response.headers.get('Content-Type');
    if (status === 204) {
        pm.expect(mediaType).to.be.undefined;
    } else {
        pm.expect(mediaType).to.match(isError ? /^application\/problem\+json(;|$)/ : /^application\/json(;|$)/);
    }
});

pm.test('the body is as documented', () => {
    if (status === 204) {
        pm.expect(pm.response.text()).to.equal('');
        return;
    }
    if (proxied && status === 500) {
        return;
    }
    pm.response.to.have.jsonSchema({ components: { schemas: schemas }, allOf: [documented[status]] });
    if (isError) {
        const problem = pm.response.json();
        pm.expect(problem.status, 'status').to.equal(status);
        pm.expect(problem.error, 'error, the same text as detail').to.equal(problem.detail);
        pm.expect(problem.request_id, 'request_id').to.equal(pm.response.headers.get('X-Request-Id'));
    }
});

pm.test('the answer has a request id', () => {
    pm.expect(pm.response.headers.get('X-Request-Id')).to.be.a('string').that.is.not.empty;
});

pm.test('pages of other origins cannot read the answer', () => {
    pm.expect(status).to.be.a('number'); // without an answer nothing is shown
    const allowing = pm.response.headers.map((header) => header.key).filter((name) => /^access-control-/i.test(name));
    pm.expect(allowing).to.be.empty;
});
