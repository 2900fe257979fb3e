pm.test('the status is 400', () => {
    pm.response.to.have.status(400);
});
pm.test('the detail names the parameter, its fault and its range', () => {
    pm.expect(pm.response.json().detail).to.match(/^query parameter timeout __FAULT__: .* from 1 to \d+$/);
});
