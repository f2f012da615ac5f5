// Verifies a checkpoint, an inclusion proof, a consistency proof and the tiles of a log with golang.org/x/mod/sumdb, the
// implementation that the Go checksum database is checked with. Reads one JSON object, prints "accepted" or why not.
package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type question struct {
	Log         string   // the folder
	VerifierKey string   // the log's
	Checkpoint  string   // the newest
	Index       int64    // of the entry
	Entry       string   // base64
	Path        []string // base64
	OldSize     int64
	OldRoot     string   // base64
	Consistency []string // base64
}

type tiles struct{ folder string }

func (t tiles) Height() int                        { return 8 }
func (t tiles) SaveTiles([]tlog.Tile, [][]byte)    {}
func (t tiles) ReadTiles(w []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range w {
		// tlog's own paths begin with tile/<height>/, those of C2SP tlog-tiles leave the height out.
		path := "tile" + tile.Path()[len("tile/8"):]
		data, err := os.ReadFile(filepath.Join(t.folder, path))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func hash(text string) (h tlog.Hash) {
	h, err := tlog.ParseHash(text)
	check(err)
	return h
}

func hashes(texts []string) (all []tlog.Hash) {
	for _, text := range texts {
		all = append(all, hash(text))
	}
	return all
}

func check(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func main() {
	var q question
	check(json.NewDecoder(os.Stdin).Decode(&q))
	verifier, err := note.NewVerifier(q.VerifierKey)
	check(err)
	opened, err := note.Open([]byte(q.Checkpoint), note.VerifierList(verifier))
	check(err)
	var origin string
	var size int64
	var root string
	_, err = fmt.Sscanf(opened.Text, "%s\n%d\n%s\n", &origin, &size, &root)
	check(err)
	entry, err := base64.StdEncoding.DecodeString(q.Entry)
	check(err)
	leaf := tlog.RecordHash(entry)
	check(tlog.CheckRecord(hashes(q.Path), size, hash(root), q.Index, leaf))
	check(tlog.CheckTree(hashes(q.Consistency), size, hash(root), q.OldSize, hash(q.OldRoot)))
	// The tiles: its own reader authenticates what it reads against the root, and makes the same proof from it.
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: hash(root)}, tiles{q.Log})
	proof, err := tlog.ProveRecord(size, q.Index, reader)
	check(err)
	if fmt.Sprint(proof) != fmt.Sprint(tlog.RecordProof(hashes(q.Path))) {
		check(fmt.Errorf("another proof: %v", proof))
	}
	fmt.Println("accepted")
}
