// Package client talks to the shop.
package client

import (
	"context"
	"net/http"

	log "github.com/acme/shop/internal/logging"
	_ "github.com/lib/pq"
)

import "fmt"

// DefaultTimeout is in seconds.
const DefaultTimeout = 30

const (
	// StateOpen accepts requests.
	StateOpen State = iota
	StateClosed
)

var ErrClosed, errOdd = fmt.Errorf("closed"), fmt.Errorf("odd")

// State of a client.
type State int

// Doer does requests.
type Doer interface {
	Do(req *http.Request) (*http.Response, error)
}

// Client is safe for concurrent use.
type Client struct {
	http.Client
	base string
}

type (
	Option func(*Client)
	alias  = Client
)

// New makes a client.
func New(base string, options ...Option) *Client {
	return &Client{base: base}
}

// Get fetches one path.
func (c *Client) Get(ctx context.Context, path string) (*http.Response, error) {
	log.Info(path)
	return c.Do(http.NewRequest("GET", c.base+path, nil))
}

func Map[T any, U any](in []T, f func(T) U) []U {
	return nil
}
