package files

import (
	"context"
	"errors"
	"net/http"
	"time"

	"pixeltrack.io/platform/pkg/access"
	"pixeltrack.io/platform/pkg/api"
	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/privacy/purpose"
	"pixeltrack.io/platform/pkg/store"
)

// Remover deletes every version of an object.
type Remover interface {
	Remove(ctx context.Context, key string) (int, error)
}

// promptly is how long a call whose row is written waits for the buckets before it leaves them to the sweep.
const promptly = 5 * time.Second

// DeleteFile deletes a file with every version of its bytes.
func DeleteFile(st *store.Store, incoming, kept Remover) api.Operation {
	return api.New(api.Route{
		ID: "delete-file", Area: "files", Method: http.MethodDelete, Path: "/v1/files/{id}", Status: http.StatusNoContent, ReadsAhead: true,
		Permission: access.FilesDeleteOwn, Purpose: purpose.ServiceDelivery, Summary: "Delete a file",
		Description: "Your own, or anybody's with the right files:delete:all. It is gone at once, with every version of its bytes; links that were given lead nowhere.",
		Refusals:    []api.Refusal{missing()},
	}, func(ctx context.Context, c *api.Caller, in *ChangeIn) (*struct{}, error) {
		f, err := seen(ctx, c, in.ID)
		if err != nil {
			return nil, err
		}
		if f.Member != c.Member {
			if err := c.Needs(access.FilesDeleteAll); err != nil {
				return nil, err
			}
		}
		if err := in.Matches(f.Version); err != nil {
			return nil, err
		}
		tx := st.Begin()
		if err := f.remove(tx, c.Org, c.Now); err != nil {
			return nil, err
		}
		if err := c.Commit(ctx, tx, string(f.ID)); err != nil {
			return nil, err
		}
		short, cancel := context.WithTimeout(ctx, promptly)
		defer cancel()
		_ = wipe(short, f.Org, f.ID, incoming, kept) // what fails is done by the sweep, which looks at it in any case
		return nil, nil
	})
}

// remove deletes the row of a file in a transaction.
func (f *File) remove(tx *store.Tx, org *store.Organization, now time.Time) error {
	on, err := parentOf(f.ParentType)
	if err != nil {
		return err
	}
	tx.Bury(org, f, string(f.ID))
	on.detach(tx, org, f.Parent, f.ID)
	f.clear(tx, org, now)
	return nil
}

// clear has the sweep look at a deleted file's objects when nobody can write them any more: neither a confirmation that is
// under way nor the holder of the link.
func (f *File) clear(tx *store.Tx, org *store.Organization, now time.Time) {
	f.move(tx, org, max(f.Until, now.Unix())+int64(Wait.Seconds()))
}

// wipe deletes every version of a file's bytes, and what was uploaded for them.
func wipe(ctx context.Context, org id.Organization, f id.File, incoming, kept Remover) error {
	_, came := incoming.Remove(ctx, objectKey(org, f))
	_, lay := kept.Remove(ctx, objectKey(org, f))
	return errors.Join(came, lay)
}
