// Package storetest gives tests a table of their own on the real stand-in, and a clock that moves.
package storetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"pixeltrack.io/platform/infra/local/dynoxide"
	"pixeltrack.io/platform/pkg/store"
)

// Clock is a clock that stands still until it is moved, or goes on by a step whenever it is read. It is safe for
// concurrent use.
type Clock struct {
	mu   sync.Mutex
	now  time.Time
	step time.Duration
}

// Start is where the clock of a new table stands.
var Start = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(c.step)
	return c.now
}

// Tick makes the clock go on by d whenever it is read: whoever reads it twice for one time finds two.
func (c *Clock) Tick(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.step = d
}

// Set moves the clock to t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t.UTC()
}

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// server starts the stand-in once for a test binary; it ends with the binary.
var server = sync.OnceValues(func() (*dynoxide.Server, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	return dynoxide.Start(context.Background(), root)
})

// New makes an empty table for one test and a store over it, on a clock of its own.
func New(t testing.TB) (*store.Store, *Clock) {
	t.Helper()
	clock := &Clock{now: Start}
	cfg, table := Table(t)
	return store.New(cfg, table, clock.Now), clock
}

// Table makes an empty table for one test and gives the configuration that reaches it, and its name.
func Table(t testing.TB) (aws.Config, string) {
	t.Helper()
	s, err := server()
	if err != nil {
		t.Fatalf("start the stand-in: %v", err)
	}
	cfg := aws.Config{Region: "us-east-1", BaseEndpoint: aws.String(s.Endpoint),
		Credentials: credentials.NewStaticCredentialsProvider("LOCAL", "local", "")}
	b := make([]byte, 6)
	rand.Read(b) // never fails
	name := "t" + hex.EncodeToString(b)
	client := dynamodb.NewFromConfig(cfg)
	if err := dynoxide.CreateTable(context.Background(), client, name); err != nil {
		t.Fatalf("create the table: %v", err)
	}
	t.Cleanup(func() {
		_, err := client.DeleteTable(context.Background(), &dynamodb.DeleteTableInput{TableName: aws.String(name)})
		if err != nil {
			t.Errorf("delete the table: %v", err)
		}
	})
	return cfg, name
}

// Root is the root of the source tree: the directory of go.mod above the test's own.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", os.ErrNotExist
		}
		dir = parent
	}
}
