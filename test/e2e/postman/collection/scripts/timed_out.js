pm.test('the status is 504', () => {
    pm.response.to.have.status(504);
});
pm.test('it lists the attempts that were still running', () => {
    const outcomes = pm.response.json().attempts.map((attempt) => attempt.outcome);
    pm.expect(outcomes).to.include('timed_out').and.have.lengthOf.within(1, 3);
});
