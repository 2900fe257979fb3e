package listen

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sinceLastBytes is how long ago a TCP connection got its last bytes. 0: unknown.
func sinceLastBytes(connection syscall.RawConn) (d time.Duration) {
	_ = connection.Control(func(fd uintptr) { // fails when it is closed
		if info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO); err == nil {
			d = time.Duration(info.Last_data_recv) * time.Millisecond
		}
	})
	return d
}
