pm.test('the status is 502', () => {
    pm.response.to.have.status(502);
});
pm.test('it lists three failed attempts', () => {
    const outcomes = pm.response.json().attempts.map((attempt) => attempt.outcome);
    pm.expect(outcomes).to.eql(['failed', 'failed', 'failed']);
});
