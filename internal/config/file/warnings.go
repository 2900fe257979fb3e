package file

import (
	"fmt"
	"maps"
	"regexp"
	"slices"

	"hedgerow/internal/forward"
)

// bareVariable is the name of a variable without its braces.
var bareVariable = regexp.MustCompile(`\$[A-Z_][A-Z0-9_]+`)

// Warnings are what the file may say and its author may not have meant: credentials that go to several hosts, and variables without
// their braces. They show no value: it may be a secret that only looks like a variable.
func (f *File) Warnings() []string {
	var warnings []string
	type credential struct{ name, value string }
	hosts := map[credential]map[string]bool{}
	var order []credential
	for i := range f.APIs {
		a := &f.APIs[i]
		for _, h := range a.Set {
			if bareVariable.MatchString(h.Value.String()) {
				warnings = append(warnings, fmt.Sprintf("the %s of set goes to %s with a $ and a name in it as they are: ${NAME} is filled in", h.Name, a.Name))
			}
			if !h.Value.Secret() && !slices.Contains(forward.Credentials(), h.Name) {
				continue
			}
			c := credential{h.Name, h.Value.Value()}
			if hosts[c] == nil {
				hosts[c] = map[string]bool{}
				order = append(order, c)
			}
			maps.Copy(hosts[c], a.hosts())
		}
		if to := a.hosts(); len(to) > 1 {
			for _, name := range a.forwardedCredentials() {
				warnings = append(warnings, fmt.Sprintf("the caller's %s goes to %d hosts by %s: %s", name, len(to), a.Name, names(to)))
			}
		}
	}
	for _, c := range order {
		if to := hosts[c]; len(to) > 1 {
			warnings = append(warnings, fmt.Sprintf("the same %s of set goes to %d hosts: %s", c.name, len(to), names(to)))
		}
	}
	return warnings
}

// hosts are those of an API's URLs. A URL with a secret in it stands for its host.
func (a *API) hosts() map[string]bool {
	hosts := map[string]bool{}
	for _, u := range a.URLs {
		host := u.Parsed().Host
		if u.Secret() {
			host = u.String()
		}
		hosts[host] = true
	}
	return hosts
}

// forwardedCredentials are those of the caller that go on, by whichever route.
func (a *API) forwardedCredentials() []string {
	return slices.DeleteFunc(forward.Credentials(), func(name string) bool {
		return !a.Forward.Goes(name) && !slices.ContainsFunc(a.Routes, func(r Route) bool { return r.Forward.Goes(name) })
	})
}

func names(set map[string]bool) string { return allOf(slices.Sorted(maps.Keys(set))) }
