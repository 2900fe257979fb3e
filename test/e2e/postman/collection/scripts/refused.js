pm.test('the status is 503', () => {
    pm.response.to.have.status(503);
});
pm.test('it says when to try again', () => {
    pm.expect(pm.response.headers.get('Retry-After')).to.match(/^[1-9]\d*$/);
    pm.expect(pm.response.json().detail).to.equal('__DETAIL__');
});
