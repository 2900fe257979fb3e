package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"hedgerow/internal/config"
)

// checkHealth asks a running service whether it is ready.
func checkHealth(ctx context.Context, settings config.Healthcheck) error {
	ctx, cancel := context.WithTimeout(ctx, settings.Timeout)
	defer cancel()
	addr := settings.Asked()
	if ip := net.ParseIP(addr.Host); addr.Host == "" || ip.IsUnspecified() {
		addr.Host = "127.0.0.1"
	}
	target := url.URL{Scheme: "http", Host: addr.String(), Path: settings.Path}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{}} // not the default one: it would ask the environment for a proxy
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", request.URL, response.Status)
	}
	return nil
}
