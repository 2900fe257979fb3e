// A testing server with its usual settings fails 1 attempt in 10. So all three fail in 1 call of 1000, and a __FAILED__ is the right answer.
// This request is not about that answer, so a run sends it up to 3 times: 1 run in 10^9 fails by chance. A single Send does not send
// again; there the skipped test says what happened.
const tries = Number(pm.variables.get('tries') || 0) + 1;
if (pm.response.code === __FAILED__ && tries < 3) {
    pm.variables.set('tries', tries);
    pm.test.skip('all attempts failed, try ' + tries + ' of 3: send the request again');
    pm.execution.setNextRequest(pm.info.requestId);
} else {
    pm.variables.unset('tries');
    pm.test('the status is 200', () => {
        pm.response.to.have.status(200);
    });
    __TESTS__
}
