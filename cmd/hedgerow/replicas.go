package main

import (
	"log/slog"

	"hedgerow/internal/config"
	"hedgerow/internal/gateway"
	"hedgerow/internal/quota"
	"hedgerow/internal/replicas"
)

// openLink returns the link to the other replicas, nil when the settings name no Redis.
func openLink(settings config.Serve, logger *slog.Logger) *replicas.Link {
	if settings.RedisURL == nil {
		return nil
	}
	return replicas.Open(*settings.RedisURL, logger.With("redis", settings.RedisURL.String()))
}

// newQuota is how the APIs get their quotas: nil without a link, where each is of this process alone.
func newQuota(link *replicas.Link) func(api string, r quota.Rate) gateway.Quota {
	if link == nil {
		return nil
	}
	return func(api string, r quota.Rate) gateway.Quota { return link.Quota(api, r) }
}

// redisState is what the metrics tell of a link: nil without one.
func redisState(link *replicas.Link) func() (up bool, replicas int) {
	if link == nil {
		return nil
	}
	return func() (bool, int) { return link.Up(), link.Replicas() }
}
