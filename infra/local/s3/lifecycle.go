package s3

import (
	"maps"
	"slices"
	"strings"
	"time"
)

// Swept counts what a sweep did.
type Swept struct {
	Expired int `json:"expired"` // current versions that are no more, or now lie under a delete marker
	Removed int `json:"removed"` // older versions and left-over delete markers
	Aborted int `json:"aborted"` // multipart uploads
}

// Sweep applies the lifecycle rules of every bucket as of now. As in S3 a day counts from midnight (UTC) to midnight,
// rounded up, and a locked version stays.
func (s *Server) Sweep(now time.Time) Swept {
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	var n Swept
	for _, b := range s.shelf.buckets {
		for _, r := range b.Lifecycle {
			s.sweepObjects(b, r, now, &n)
			s.sweepUploads(b, r, now, &n)
		}
	}
	return n
}

func (s *Server) sweepObjects(b *bucket, r Rule, now time.Time, n *Swept) {
	for _, key := range slices.Collect(maps.Keys(b.objects)) {
		if !strings.HasPrefix(key, r.Prefix) {
			continue
		}
		for _, v := range slices.Clone(b.objects[key]) {
			latest := b.objects[key][len(b.objects[key])-1] == v
			if !latest && r.tagged(v) && due(v.replaced, r.NoncurrentDays, now) && !v.locked(now) {
				s.shelf.remove(b, v)
				n.Removed++
			}
		}
		s.sweepCurrent(b, r, key, now, n)
	}
}

func (s *Server) sweepCurrent(b *bucket, r Rule, key string, now time.Time, n *Swept) {
	versions := b.objects[key]
	v := versions[len(versions)-1]
	switch {
	case v.marker:
		if len(versions) == 1 && (r.ExpiredObjectDeleteMarker || due(v.created, r.ExpirationDays, now)) {
			s.shelf.remove(b, v)
			n.Removed++
		}
	case !r.tagged(v) || !due(v.created, r.ExpirationDays, now):
	case b.Versioning:
		s.shelf.put(b, &version{key: key, marker: true, created: now})
		n.Expired++
	case !v.locked(now):
		s.shelf.remove(b, v)
		n.Expired++
	}
}

func (s *Server) sweepUploads(b *bucket, r Rule, now time.Time, n *Swept) {
	for _, u := range b.sortedUploads() {
		if strings.HasPrefix(u.key, r.Prefix) && due(u.begun, r.AbortDays, now) {
			u.discard(b)
			n.Aborted++
		}
	}
}

// due says whether so many days have passed since a time. No days never pass.
func due(since time.Time, days int, now time.Time) bool {
	return days > 0 && !now.Before(midnight(since.Add(time.Duration(days)*24*time.Hour)))
}

func (r Rule) tagged(v *version) bool {
	for name, value := range r.Tags {
		if got, ok := v.tags[name]; !ok || got != value {
			return false
		}
	}
	return true
}

// Object is one version of an object, or a delete marker, as the control page shows it.
type Object struct {
	Bucket      string            `json:"bucket"`
	Key         string            `json:"key"`
	Version     string            `json:"version"`
	Latest      bool              `json:"latest"`
	Marker      bool              `json:"delete_marker"`
	Size        int64             `json:"size"`
	ETag        string            `json:"etag,omitempty"`
	ContentType string            `json:"content_type,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
	Created     time.Time         `json:"created"`
	LockedUntil *time.Time        `json:"locked_until,omitempty"`
}

// Objects lists every version in every bucket by bucket and key, oldest first.
func (s *Server) Objects() []Object {
	s.shelf.mu.Lock()
	defer s.shelf.mu.Unlock()
	list := []Object{}
	for _, name := range slices.Sorted(maps.Keys(s.shelf.buckets)) {
		b := s.shelf.buckets[name]
		for _, key := range slices.Sorted(maps.Keys(b.objects)) {
			for i, v := range b.objects[key] {
				list = append(list, v.describe(name, i == len(b.objects[key])-1))
			}
		}
	}
	return list
}

func (v *version) describe(bucket string, latest bool) Object {
	o := Object{Bucket: bucket, Key: v.key, Version: v.id, Latest: latest, Marker: v.marker, Size: v.size,
		ETag: strings.Trim(v.etag, `"`), ContentType: v.header.Get("Content-Type"), Tags: v.tags, Created: v.created}
	if !v.lockedUntil.IsZero() {
		o.LockedUntil = &v.lockedUntil
	}
	return o
}
