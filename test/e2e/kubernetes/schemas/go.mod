// Nothing is built here. This names the module whose files are the schemas of Kubernetes' API, so that the test finds them in Go's cache.
module hedgerow/test/e2e/kubernetes/schemas

go 1.26.0

require sigs.k8s.io/kubectl-validate v0.0.4
