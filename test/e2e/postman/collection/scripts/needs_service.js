// Without the service that this folder is for, its requests fail here and are not sent.
pm.test('__VARIABLE__ is set', () => {
    pm.expect(pm.variables.get('__VARIABLE__'), '__VARIABLE__, see the folder\'s description').to.be.a('string').that.is.not.empty;
});
if (!pm.variables.get('__VARIABLE__')) {
    pm.execution.skipRequest();
}
