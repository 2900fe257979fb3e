package file

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// TLS says how the API and this client show who they are. Its paths are as they were written.
type TLS struct {
	CA, Cert, Key Text

	Roots       *x509.CertPool   `json:"-"` // of CA; nil: the system's
	Certificate *tls.Certificate `json:"-"` // of Cert and Key; nil: none
	digest      [sha256.Size]byte
}

var tlsKeys = keys[tlsDraft]{
	"ca":   tlsFile(func(t *tlsDraft) *pem { return &t.ca }),
	"cert": tlsFile(func(t *tlsDraft) *pem { return &t.cert }),
	"key":  tlsFile(func(t *tlsDraft) *pem { return &t.key }),
}

type tlsDraft struct{ ca, cert, key pem }

// pem is a file that tls names.
type pem struct {
	node node
	data []byte
}

func tlsFile(field func(*tlsDraft) *pem) setter[tlsDraft] {
	return func(d *decoder, n node, into *tlsDraft) {
		if !d.is(n, scalar, "a path like ca.pem") {
			return
		}
		data, err := d.readBeside(n.text.Value())
		if err == nil && len(data) == 0 {
			err = errors.New("it is empty")
		}
		if err != nil {
			d.problem(n, fmt.Sprintf("%s %s", quote(n.text.String()), unreadable(err)))
			return
		}
		*field(into) = pem{n, data}
	}
}

func tlsFiles(d *decoder, n node, into *draft) {
	var files tlsDraft
	before := len(d.List)
	tlsKeys.read(d, n, &files)
	unread := slices.ContainsFunc(n.entries, func(e entry) bool { return e.value.kind == broken })
	if n.kind != mapping || unread || len(d.List) > before {
		return
	}
	t := &TLS{CA: files.ca.node.text, Cert: files.cert.node.text, Key: files.key.node.text}
	var parts []byte
	for _, file := range []pem{files.ca, files.cert, files.key} {
		part := sha256.Sum256(file.data)
		parts = append(parts, part[:]...)
	}
	t.digest = sha256.Sum256(parts)
	if files.ca.data != nil {
		t.Roots = x509.NewCertPool()
		if !t.Roots.AppendCertsFromPEM(files.ca.data) {
			d.problem(files.ca.node, quote(t.CA.String())+" has no certificate in it: expected one in PEM")
		}
	}
	switch {
	case (files.cert.data == nil) != (files.key.data == nil):
		d.problem(n, "has one of cert and key: expected both or neither")
	case files.cert.data != nil:
		certificate, err := tls.X509KeyPair(files.cert.data, files.key.data)
		if err != nil { // which may say something about the key
			d.problem(files.cert.node, quote(t.Cert.String())+" and its key do not fit together: expected a certificate and its key in PEM")
		}
		t.Certificate = &certificate
	}
	into.TLS = t
}
