package app

import (
	"net/http"

	"github.com/rollcall-dev/rollcall/lifecycle"
	"github.com/rollcall-dev/rollcall/lifecycle/feed"
)

// mountFeed serves GET /feed, if there is a token for it.
func (x *out) mountFeed(mux *http.ServeMux, s *lifecycle.Service) error {
	if x.feedToken == "" {
		return nil
	}
	h, err := feed.New(s, &feed.Options{Authorize: feed.BearerToken(x.feedToken, "")})
	if err == nil {
		mux.Handle("/feed", h)
	}
	return err
}
