package usage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"pixeltrack.io/platform/pkg/blob"
	"pixeltrack.io/platform/pkg/store"
)

// DayDue is the clock of a day that has salt: when it is over, the salt is destroyed and the day is counted.
const DayDue store.DueKind = "usage_day"

const (
	saltSize = 32
	// settle is how long after its end a day is left alone, so that every call that began in it is through.
	settle = 10 * time.Minute
)

// Vault is the bucket outside the table, of one version of each object: what is deleted there is in no backup.
type Vault interface {
	Create(ctx context.Context, key, mediaType string, body io.ReadSeeker) error
	Open(ctx context.Context, key string) (io.ReadCloser, error)
	Remove(ctx context.Context, key string) (int, error)
}

// saltKey is where the salt of a day lies in the vault.
func saltKey(day string) string { return "salts/" + day }

// salts gives the salt of the day, the same to every function that asks. It remembers that of one day.
type salts struct {
	vault Vault
	mu    sync.Mutex
	day   string
	salt  []byte
}

// of gives the salt of the day of a time, and makes it when it is the first to ask. What ends the day is armed before, so
// that no salt is left without its end.
func (s *salts) of(ctx context.Context, p *store.Platform, now time.Time, random io.Reader) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	day := dayOf(now)
	if s.day == day {
		return s.salt, nil
	}
	tx := p.Store().Begin()
	tx.Arm(p, dueOf(midnight(now)))
	if err := tx.Commit(ctx); err != nil {
		return nil, err
	}
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(random, salt); err != nil {
		return nil, fmt.Errorf("usage: no randomness: %w", err)
	}
	err := s.vault.Create(ctx, saltKey(day), "application/octet-stream", bytes.NewReader(salt))
	if errors.Is(err, blob.ErrExists) {
		salt, err = s.read(ctx, day)
	}
	if err != nil {
		return nil, fmt.Errorf("usage: salt: %w", err)
	}
	s.day, s.salt = day, salt
	return salt, nil
}

func (s *salts) read(ctx context.Context, day string) ([]byte, error) {
	r, err := s.vault.Open(ctx, saltKey(day))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	salt, err := io.ReadAll(io.LimitReader(r, saltSize+1))
	if err == nil && len(salt) != saltSize {
		err = fmt.Errorf("%d bytes; want %d", len(salt), saltSize)
	}
	return salt, err
}

// dueOf is the clock of the day that begins at a time.
func dueOf(begin time.Time) *store.Due {
	return store.NewDue(DayDue, begin.AddDate(0, 0, 1).Add(settle), totalsKey(dayOf(begin)))
}
