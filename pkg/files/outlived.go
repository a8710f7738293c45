package files

import (
	"context"
	"errors"

	"pixeltrack.io/platform/pkg/id"
	"pixeltrack.io/platform/pkg/projects"
	"pixeltrack.io/platform/pkg/store"
)

// DeleteOutlived deletes the files of a project whose time is over, with every version of their bytes. What a bucket refuses
// is done by the sweep, which looks at each of them once more when no link to upload it is left.
func DeleteOutlived(incoming, kept Remover) projects.Part {
	return func(ctx context.Context, under *projects.Outlived) (gone, stay int, err error) {
		for numbers, err := range under.Booked(ctx, 100) {
			if err != nil {
				return gone, stay, err
			}
			fetches := make([]*store.Fetch, len(numbers))
			for n, number := range numbers {
				fetches[n] = &store.Fetch{Through: under.Org, Key: Key(under.Org.ID, id.File(id.Prefix[id.File]()+"_"+number)), Row: new(File)}
			}
			if err := under.Org.Store().FetchAll(ctx, fetches...); err != nil {
				return gone, stay, err
			}
			for _, fetch := range fetches {
				f := fetch.Row.(*File)
				switch {
				case fetch.Err != nil || f.ParentType != OfProject || f.Parent != string(under.ID):
					continue // the booking is of something else
				case under.Keeps(&f.Meta, f.Member):
					stay++
					continue
				}
				switch err := f.outlived(ctx, under); {
				case errors.Is(err, store.ErrStale): // it was confirmed, renamed or deleted meanwhile; the next look sees it
					stay++
				case err != nil:
					return gone, stay, err
				default:
					gone++
					_ = wipe(ctx, f.Org, f.ID, incoming, kept)
				}
			}
		}
		return gone, stay, nil
	}
}

// outlived deletes the row of a file, and has the sweep look at its objects.
func (f *File) outlived(ctx context.Context, under *projects.Outlived) error {
	tx := under.Org.Store().Begin()
	under.Bound(tx)
	tx.Delete(under.Org, f)
	projects.Free(tx, under.Org, under.ID, projects.Number(f.ID))
	f.clear(tx, under.Org, under.Org.Now())
	return tx.Commit(ctx)
}
