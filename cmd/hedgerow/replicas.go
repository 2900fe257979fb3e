package main

import (
	"log/slog"
	"time"

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

// tellRests is how other replicas get to know that an API has asked for time: nil without a link.
func tellRests(link *replicas.Link) func(api string, url int, d time.Duration) {
	if link == nil {
		return nil
	}
	return func(api string, url int, d time.Duration) { link.Tell(replicas.Rest{API: api, URL: url, For: d}) }
}

// redisState is what the metrics tell of a link: nil without one.
func redisState(link *replicas.Link) func() (up bool, replicas int) {
	if link == nil {
		return nil
	}
	return func() (bool, int) { return link.Up(), link.Replicas() }
}
