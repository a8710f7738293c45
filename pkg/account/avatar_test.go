package account_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	_ "image/jpeg"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/guregu/dynamo/v2"

	"pixeltrack.io/platform/pkg/account"
	"pixeltrack.io/platform/pkg/api/apitest"
	"pixeltrack.io/platform/pkg/blob/blobtest"
	"pixeltrack.io/platform/pkg/files"
	"pixeltrack.io/platform/pkg/picture"
	"pixeltrack.io/platform/pkg/picture/picturetest"
	"pixeltrack.io/platform/pkg/picture/scaling"
	"pixeltrack.io/platform/pkg/store"
	"pixeltrack.io/platform/pkg/telemetry"
)

// gallery is a world with the buckets of pictures.
type gallery struct {
	world
	incoming, kept *blobtest.Bucket
}

func newGallery(t *testing.T) gallery {
	return gallery{world{apitest.New(t)}, &blobtest.Bucket{Overwrites: true}, new(blobtest.Bucket)}
}

func (g gallery) put(c apitest.Caller, content []byte) picture.GrantedBody {
	g.T.Helper()
	a := g.Call(account.PutAvatar(g.Store, g.incoming), c, apitest.Request{Body: picturetest.Announce(content, "image/png")})
	g.Want(a, http.StatusOK, "")
	var b picture.GrantedBody
	a.Into(g.T, &b)
	return b
}

// sent is put with the upload done.
func (g gallery) sent(c apitest.Caller, content []byte) picture.GrantedBody {
	g.T.Helper()
	b := g.put(c, content)
	if err := g.incoming.Send(b.Upload.URL, content); err != nil {
		g.T.Fatal(err)
	}
	return b
}

func (g gallery) confirm(c apitest.Caller, b picture.GrantedBody) apitest.Answer {
	return g.Call(account.ConfirmAvatar(g.Store, g.incoming, g.kept, scaling.Scale), c, apitest.Request{Body: map[string]any{"upload_id": b.UploadID}})
}

// shown puts a picture and gives what is shown.
func (g gallery) shown(c apitest.Caller, content []byte) picture.Body {
	g.T.Helper()
	a := g.confirm(c, g.sent(c, content))
	g.Want(a, http.StatusOK, "")
	return body(g, a)
}

func body(g gallery, a apitest.Answer) picture.Body {
	g.T.Helper()
	var b picture.Body
	a.Into(g.T, &b)
	return b
}

func (g gallery) get(c apitest.Caller) apitest.Answer {
	return g.Call(account.GetAvatar(g.kept), c, apitest.Request{})
}

func (g gallery) del(c apitest.Caller, match string) apitest.Answer {
	return g.Call(account.DeleteAvatar(g.Store, g.incoming, g.kept), c, apitest.Request{IfMatch: match})
}

func (g gallery) sweep() error {
	payload := fmt.Sprintf(`{"source":"aws.scheduler","detail-type":"Scheduled Event","time":%q,"detail":"{}"}`, g.Clock.Now().Format(time.RFC3339))
	return files.SweepUploads(g.incoming, g.kept).Do(context.Background(), []byte(payload), g.Store, telemetry.New(io.Discard, g.Clock.Now), g.Clock.Now, "run")
}

// after sweeps when a time has passed.
func (g gallery) after(c apitest.Caller, d time.Duration) apitest.Caller {
	g.T.Helper()
	c = g.Later(c, d)
	if err := g.sweep(); err != nil {
		g.T.Fatal(err)
	}
	return c
}

func (g gallery) clocks() int {
	g.T.Helper()
	n := 0
	for shard := range store.Shards {
		due, err := store.DueBy(context.Background(), g.Store.BindPlatform(store.Actor{}), picture.DueSweep, shard, g.Clock.Now().AddDate(1, 0, 0), 100)
		if err != nil {
			g.T.Fatal(err)
		}
		n += len(due)
	}
	return n
}

// left fails the test unless the buckets hold so many objects, and there are so many clocks.
func (g gallery) left(when string, incoming, kept, clocks int) {
	g.T.Helper()
	if i, k, c := len(g.incoming.Keys()), len(g.kept.Keys()), g.clocks(); i != incoming || k != kept || c != clocks {
		g.T.Errorf("%s: %d uploads, %d objects and %d clocks; want %d, %d and %d: %q %q", when, i, k, c, incoming, kept, clocks, g.incoming.Keys(), g.kept.Keys())
	}
}

func (g gallery) flag(c apitest.Caller, name string) {
	g.T.Helper()
	tx := g.Store.Begin()
	tx.Change(g.Store.BindUser(c.User, store.Actor{Who: "test"}), picture.Key(store.UserScope(c.User)), func(u *dynamo.Update) { u.Set(name, true) })
	if err := tx.Commit(context.Background()); err != nil {
		g.T.Fatal(err)
	}
}

var (
	green = color.RGBA{G: 255, A: 255}
	black = color.RGBA{A: 255}
)

func TestAPictureIsPutAndShown(t *testing.T) {
	g := newGallery(t)
	ada, bob := g.somebody(g.Organization()), g.somebody(g.Organization())
	g.Want(g.get(ada), http.StatusNotFound, "avatar_not_found")
	upload := picturetest.PNG(t, green, 300, 200)
	granted := g.put(ada, upload)
	if !granted.Upload.ExpiresAt.Equal(g.Clock.Now().Add(15*time.Minute).Truncate(time.Second)) || granted.Upload.Method != "PUT" {
		t.Errorf("the upload = %+v; want 15 minutes", granted.Upload)
	}
	g.Want(g.confirm(ada, granted), http.StatusConflict, "upload_missing")
	g.Want(g.confirm(bob, granted), http.StatusNotFound, "upload_not_found")
	if err := g.incoming.Send(granted.Upload.URL, upload); err != nil {
		t.Fatal(err)
	}
	if key := "USER/" + string(ada.User) + "/pictures/" + granted.UploadID; g.incoming.Keys()[0] != key {
		t.Errorf("it was uploaded to %q; want %s", g.incoming.Keys(), key)
	}
	g.Want(g.get(ada), http.StatusNotFound, "avatar_not_found")
	a := g.confirm(ada, granted)
	g.Want(a, http.StatusOK, "")
	b := body(g, a)
	if b.ID != granted.UploadID || b.Width != 512 || b.Height != 512 || b.MediaType != "image/jpeg" {
		t.Errorf("the picture = %+v", b)
	}
	for size, link := range map[int]string{512: b.URL, 64: b.SmallURL} {
		drawn, err := g.kept.Fetch(link)
		if err != nil {
			t.Fatal(err)
		}
		if m, _, err := image.Decode(bytes.NewReader(drawn)); err != nil || m.Bounds().Dx() != size || m.Bounds().Dy() != size {
			t.Errorf("of %d dots there is %v, %v", size, m.Bounds(), err)
		}
	}
	if !strings.Contains(b.URL, "name=avatar.jpg&life=300") || !b.ExpiresAt.Equal(g.Clock.Now().Add(5*time.Minute).Truncate(time.Second)) {
		t.Errorf("the link = %s until %v; want five minutes", b.URL, b.ExpiresAt)
	}
	if bytes.Contains([]byte(g.incoming.All()), upload) || bytes.Contains([]byte(g.kept.All()), upload) {
		t.Error("the upload itself is still there")
	}
	if err := g.incoming.Send(granted.Upload.URL, upload); !errors.Is(err, blobtest.ErrRefused) {
		t.Errorf("the same upload after the confirmation = %v; want it refused", err)
	}
	again := g.confirm(ada, granted)
	g.Want(again, http.StatusOK, "")
	if now := g.get(ada); again.Header.Get("ETag") != a.Header.Get("ETag") || now.Header.Get("ETag") != a.Header.Get("ETag") || body(g, now).ID != b.ID {
		t.Errorf("a second confirmation made another version: %s, %s, %s", a.Header.Get("ETag"), again.Header.Get("ETag"), now.Header.Get("ETag"))
	}
	g.Want(g.get(bob), http.StatusNotFound, "avatar_not_found")
	g.after(ada, 17*time.Minute)
	g.left("after the link has ended", 0, 2, 0)
}

// A picture replaced or removed leaves nothing of itself, in any version.
func TestAPictureGoesInEveryVersion(t *testing.T) {
	g := newGallery(t)
	ada := g.somebody(g.Organization())
	first := g.shown(ada, picturetest.PNG(t, green, 100, 100))
	second := g.shown(ada, picturetest.PNG(t, black, 100, 100))
	if _, err := g.kept.Fetch(first.URL); err == nil {
		t.Error("a link to the picture that was replaced still leads somewhere")
	}
	if all := g.kept.All(); strings.Contains(all, first.ID) || strings.Count(all, second.ID) != 2 {
		t.Errorf("after a replacement there is %.300q; want the two sizes of the new picture alone", all)
	}
	tag := g.get(ada).Header.Get("ETag")
	g.Want(g.del(ada, ""), http.StatusPreconditionRequired, "if_match_required")
	g.Want(g.del(ada, `"1"`), http.StatusPreconditionFailed, "stale_version")
	g.sent(ada, picturetest.PNG(t, green, 9, 9)) // which nobody confirms
	g.Want(g.del(ada, tag), http.StatusPreconditionFailed, "stale_version")
	g.Want(g.del(ada, "*"), http.StatusNoContent, "")
	if all := g.kept.All() + g.incoming.All(); strings.Contains(all, second.ID) || len(g.kept.Keys()) != 0 {
		t.Errorf("after a removal there is %.300q; want nothing", all)
	}
	g.Want(g.get(ada), http.StatusNotFound, "avatar_not_found")
	g.Want(g.del(ada, "*"), http.StatusNotFound, "avatar_not_found")
	g.after(ada, 17*time.Minute)
	g.left("after everything was removed", 0, 0, 0)
}

// What a call could not remove the sweep does, whatever it was.
func TestTheSweepEndsWhatACallCouldNot(t *testing.T) {
	g := newGallery(t)
	ada := g.somebody(g.Organization())
	down := errors.New("the bucket is down")
	g.shown(ada, picturetest.PNG(t, green, 50, 50))
	granted := g.sent(ada, picturetest.PNG(t, black, 50, 50))
	g.kept.Fail(down)
	g.Want(g.confirm(ada, granted), http.StatusInternalServerError, "internal")
	g.kept.Fail(nil)
	g.incoming.Before(func(call string) { // the row is written, and the buckets fail from here on
		if call == "Put" {
			g.incoming.Fail(down)
			g.kept.Fail(down)
		}
	})
	a := g.Call(account.ConfirmAvatar(g.Store, g.incoming, linked{g.kept}, scaling.Scale), ada, apitest.Request{Body: map[string]any{"upload_id": granted.UploadID}})
	g.Want(a, http.StatusOK, "")
	g.incoming.Before(nil)
	g.incoming.Fail(nil)
	g.kept.Fail(nil)
	g.left("after a confirmation whose clearing failed", 2, 4, 3)
	ada = g.after(ada, 17*time.Minute)
	g.left("after the sweep", 0, 2, 0)
	g.incoming.Fail(down)
	g.kept.Fail(down)
	g.Want(g.del(ada, "*"), http.StatusNoContent, "")
	g.Later(ada, picture.Wait)
	if err := g.sweep(); err == nil {
		t.Error("a sweep while the buckets are down says that all is well")
	}
	g.incoming.Fail(nil)
	g.kept.Fail(nil)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			if err := g.sweep(); err != nil {
				t.Errorf("a sweep beside others: %v", err)
			}
		})
	}
	wg.Wait()
	g.left("after the buckets are back", 0, 0, 0)
}

// linked gives links whatever happens, as signing does.
type linked struct{ *blobtest.Bucket }

func TestUploadsThatNobodyConfirmsGo(t *testing.T) {
	g := newGallery(t)
	ada := g.somebody(g.Organization())
	early := g.sent(ada, picturetest.PNG(t, green, 50, 50))
	late := g.sent(ada, picturetest.PNG(t, black, 50, 50))
	g.Want(g.confirm(ada, early), http.StatusNotFound, "upload_not_found")
	g.left("after two announcements", 2, 0, 2)
	ada = g.after(ada, 17*time.Minute)
	g.left("after the first one's link has ended", 1, 0, 1)
	ada = g.after(ada, picture.UploadLife)
	g.left("after a day", 0, 0, 1)
	g.Want(g.confirm(ada, late), http.StatusNotFound, "upload_not_found")
	row, err := picture.Read(context.Background(), g.Store.BindUser(ada.User, store.Actor{}))
	if row != nil || err != nil {
		t.Errorf("the row = %+v, %v; want none", row, err)
	}
	g.after(ada, picture.Wait)
	g.left("in the end", 0, 0, 0)

	g.shown(ada, picturetest.PNG(t, green, 50, 50))
	g.sent(ada, picturetest.PNG(t, black, 50, 50))
	g.flag(ada, "held")
	ada = g.after(ada, picture.UploadLife+time.Minute)
	g.after(ada, 2*picture.Wait)
	g.left("after an upload beside a picture that is held", 0, 2, 0)
}

// A confirmation that meets the sweep, or another announcement, leaves nothing of what it drew.
func TestAConfirmationIsOvertaken(t *testing.T) {
	for name, meet := range map[string]func(g gallery, ada apitest.Caller) int{
		"by another announcement": func(g gallery, ada apitest.Caller) int { g.put(ada, []byte("x")); return 1 },
		"by a removal": func(g gallery, ada apitest.Caller) int {
			g.Want(g.del(ada, "*"), http.StatusNoContent, "")
			return 0
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGallery(t)
			ada := g.somebody(g.Organization())
			granted := g.sent(ada, picturetest.PNG(t, green, 50, 50))
			once, clocks := sync.Once{}, 0
			g.kept.Before(func(call string) {
				if call == "Put" {
					once.Do(func() { clocks = meet(g, ada) })
				}
			})
			g.Want(g.confirm(ada, granted), http.StatusNotFound, "upload_not_found")
			g.kept.Before(nil)
			g.after(ada, 17*time.Minute)
			g.left("afterwards", 0, 0, clocks)
		})
	}
}

func TestManyConfirmationsAreOne(t *testing.T) {
	g := newGallery(t)
	ada := g.somebody(g.Organization())
	granted := g.sent(ada, picturetest.PNG(t, green, 50, 50))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if a := g.confirm(ada, granted); a.Status != http.StatusOK && a.Code() != "upload_mismatch" {
				t.Errorf("one of four confirmations = %d %s", a.Status, a.Body)
			}
		})
	}
	wg.Wait()
	if b := body(g, g.get(ada)); b.ID != granted.UploadID {
		t.Errorf("what is shown = %+v", b)
	}
	g.after(ada, 17*time.Minute)
	g.left("after four confirmations", 0, 2, 0)
}

func TestAConfirmationUnderOneKey(t *testing.T) {
	g := newGallery(t)
	ada := g.somebody(g.Organization())
	granted := g.sent(ada, picturetest.PNG(t, green, 50, 50))
	r := apitest.Request{Key: "k", Body: map[string]any{"upload_id": granted.UploadID}}
	op := account.ConfirmAvatar(g.Store, g.incoming, g.kept, scaling.Scale)
	g.Want(g.Call(op, ada, r), http.StatusOK, "")
	again := g.Call(op, ada, r)
	g.Want(again, http.StatusOK, "")
	if again.Header.Get("Idempotency-Replayed") != "true" || body(g, again).ID != granted.UploadID {
		t.Errorf("the replay = %s %s", again.Header, again.Body)
	}
	g.Want(g.del(ada, "*"), http.StatusNoContent, "")
	g.Want(g.Call(op, ada, r), http.StatusNotFound, "replayed_object_gone")
}

func TestAnUploadIsRefused(t *testing.T) {
	g := newGallery(t)
	ada := g.somebody(g.Organization())
	good := picturetest.Announce([]byte("x"), "image/png")
	for name, change := range map[string]map[string]any{
		"no bytes": {"size": 0}, "a byte too many": {"size": picture.MaxUpload + 1}, "a type that is none of a picture": {"media_type": "image/svg+xml"},
		"a checksum that is none": {"sha256": "x"}, "a name": {"name": "a.png"},
	} {
		b := map[string]any{}
		for k, v := range good {
			b[k] = v
		}
		for k, v := range change {
			b[k] = v
		}
		if a := g.Call(account.PutAvatar(g.Store, g.incoming), ada, apitest.Request{Body: b}); a.Code() != "invalid_input" {
			t.Errorf("%s = %d %s; want invalid_input", name, a.Status, a.Body)
		}
	}
	g.Want(g.confirm(ada, picture.GrantedBody{UploadID: "x"}), http.StatusNotFound, "upload_not_found")
	text := g.sent(ada, []byte("no picture at all"))
	g.Want(g.confirm(ada, text), http.StatusUnprocessableEntity, "picture_unreadable")
	large := g.sent(ada, vast(t))
	g.Want(g.confirm(ada, large), http.StatusUnprocessableEntity, "picture_too_large")
	other := g.put(ada, picturetest.PNG(t, green, 2, 2))
	g.incoming.Arrive("USER/"+string(ada.User)+"/pictures/"+other.UploadID, picturetest.PNG(t, black, 2, 2))
	g.Want(g.confirm(ada, other), http.StatusConflict, "upload_mismatch")
	g.Want(g.get(ada), http.StatusNotFound, "avatar_not_found")
	g.Want(g.get(apitest.Caller{}), http.StatusUnauthorized, "authentication_required")
}

func TestAPictureThatIsHeldStays(t *testing.T) {
	g := newGallery(t)
	ada := g.somebody(g.Organization())
	b := g.shown(ada, picturetest.PNG(t, green, 50, 50))
	next := g.sent(ada, picturetest.PNG(t, black, 50, 50))
	g.flag(ada, "held")
	g.Want(g.del(ada, "*"), http.StatusConflict, "kept_by_law")
	g.Want(g.confirm(ada, next), http.StatusConflict, "kept_by_law")
	g.Want(g.Call(account.PutAvatar(g.Store, g.incoming), ada, apitest.Request{Body: picturetest.Announce([]byte("x"), "image/png")}), http.StatusConflict, "kept_by_law")
	if _, err := g.kept.Fetch(body(g, g.get(ada)).URL); err != nil || body(g, g.get(ada)).ID != b.ID {
		t.Errorf("the picture that is held: %v", err)
	}
}

// vast is a picture of a few bytes and more dots than are read.
func vast(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	m := image.NewPaletted(image.Rect(0, 0, 5001, 5001), color.Palette{black})
	if err := gif.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
