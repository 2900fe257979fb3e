package supply

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"hedgerow/test/e2e/harness"
)

func TestCtrlCEndsMakeLocalWithSuccess(t *testing.T) {
	ours, theirs := terminal(t)
	command := exec.Command("make", "local")
	command.Dir = harness.Root()
	command.Env = append(os.Environ(), "HEDGEROW_ADDR=127.0.0.1:0", "HEDGEROW_ADMIN_ADDR=127.0.0.1:0", "HEDGEROW_LOG_FORMAT=json")
	command.Stdin, command.Stdout, command.Stderr = theirs, theirs, theirs
	command.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, command.Start())
	require.NoError(t, theirs.Close())
	giveUp := time.AfterFunc(10*time.Minute, func() { _, _ = ours.WriteString("\x03") }) // with empty caches it builds first
	defer giveUp.Stop()

	var said strings.Builder
	for lines := bufio.NewScanner(io.TeeReader(ours, &said)); lines.Scan(); { // until all have closed their end
		if strings.Contains(lines.Text(), "listening; the console is at /") {
			_, err := ours.WriteString("\x03")
			require.NoError(t, err)
		}
	}
	require.NoError(t, command.Wait(), "%s", &said)
	assert.Contains(t, said.String(), "listening; the console is at /")
	assert.NotContains(t, said.String(), "Error")
}

// terminal opens a pseudo terminal. What is written to ours is typed at theirs.
func terminal(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	ours, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = ours.Close() })
	descriptor := int(ours.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(descriptor, unix.TIOCSPTLCK, 0))
	number, err := unix.IoctlGetInt(descriptor, unix.TIOCGPTN)
	require.NoError(t, err)
	theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	return ours, theirs
}
