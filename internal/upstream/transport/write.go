package transport

import "time"

// smallBody is the largest request body that is written before the answer is read. The kernel takes so much from us whether the API
// reads it or not.
const smallBody = 16 << 10

// write writes the request; of a large body it waits for no end.
func (u *use1) write() error {
	r := u.trip.request
	if len(r.body) > smallBody {
		if u.conn.pooled && !u.conn.quiet() {
			return errGone
		}
		u.writing = make(chan error, 1)
		n, err := u.conn.Write(r.message)
		u.wrote = n
		if err != nil {
			u.writing <- err
			return err
		}
		go func(conn *conn, writing chan<- error) { // u may have another connection before it ends, or begins
			_, err := conn.Write(r.body)
			writing <- err
		}(u.conn, u.writing)
		u.trip.wrote()
		return nil
	}
	if u.conn.pooled {
		var quiet bool
		if u.wrote, quiet = u.conn.ask(u.trip, r.message); !quiet {
			return errGone
		}
		if u.wrote == len(r.message) {
			u.begun = true
			return nil
		}
	}
	n, err := u.conn.Write(r.message[u.wrote:])
	u.wrote += n
	if err == nil {
		u.trip.wrote()
	}
	return err
}

// unwritten tells whether some of the request has not been written. What still waits to be written is not.
func (u *use1) unwritten() bool {
	if u.writing == nil {
		return false
	}
	_ = u.conn.SetWriteDeadline(time.Unix(1, 0)) // in the past: a write that has ended does not mind
	err := <-u.writing
	_ = u.conn.SetWriteDeadline(time.Time{})
	return err != nil
}
