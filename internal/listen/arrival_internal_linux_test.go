package listen

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestARequestRightBehindAnAnswerHasNotWaited(t *testing.T) {
	connection := &Connection{} // without a socket: a question would panic
	connection.Answered()
	before := time.Now()
	at, waited := connection.Arrival()
	assert.False(t, at.Before(before))
	assert.Zero(t, waited)
	connection.answered = time.Now().Add(-coarseness)
	assert.Panics(t, func() { connection.Arrival() })
}
