package upstream

import (
	"bufio"
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"strings"
)

// surplusLimit is how many bytes behind packed ones are read, so that the connection can be used again.
const surplusLimit = 64 << 10

func isGzip(header http.Header) bool {
	coding := header.Get("Content-Encoding")
	return strings.EqualFold(coding, "gzip") || strings.EqualFold(coding, "x-gzip")
}

// unzip returns a reader of what is packed in one or more gzip members (RFC 1952). Bytes behind them that are not another member, such as
// zeros, are ignored, as browsers do.
func unzip(packed io.Reader) (io.Reader, error) {
	from := bufio.NewReader(packed)
	member, err := gzip.NewReader(from)
	if errors.Is(err, io.EOF) { // there is nothing, though it says that something is packed
		return nil, io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &unzipped{from, member}, nil
}

type unzipped struct {
	from   *bufio.Reader
	member *gzip.Reader
}

func (u *unzipped) Read(p []byte) (int, error) {
	for {
		n, err := u.member.Read(p)
		if n > 0 || !errors.Is(err, io.EOF) {
			return n, unlessEOF(err)
		}
		if err := u.next(); err != nil {
			return 0, err
		}
	}
}

// unlessEOF is err, but the end of a member is not that of the body.
func unlessEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// next goes on to the next member. It is io.EOF when there is none.
func (u *unzipped) next() error {
	magic, err := u.from.Peek(2)
	if string(magic) != "\x1f\x8b" {
		if err == nil {
			_, err = io.CopyN(io.Discard, u.from, surplusLimit)
		}
		if err == nil {
			err = io.EOF
		}
		return err
	}
	if err := u.member.Reset(u.from); err != nil {
		return err
	}
	u.member.Multistream(false)
	return nil
}
