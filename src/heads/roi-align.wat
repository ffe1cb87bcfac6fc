;; RoIAlign over channels-last maps, in vectors of four channels. The samples of a bin are a weighted sum of cells whose
;; weights are a product of one for the row and one for the column, so rows are added up first, columns after.
;; `roi-align-wasm.ts` holds what "wat2wasm roi-align.wat -o /dev/stdout | base64 -w0" makes of it.
;;
;; A table of taps has an entry for each bin along an axis: first cell (i32), bytes of its weights (i32), weights (f32).
(module
  (memory (export "memory") 1)

  ;; to[i] = sum over k of weights[k] * from[k * step + i], for `length` bytes and what is left of their last 64, which is
  ;; read and written as well.
  (func $combine
    (param $to i32) (param $from i32) (param $step i32) (param $weights i32) (param $weights_end i32) (param $length i32)
    (local $end i32) (local $tap i32) (local $source i32) (local $weight v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local.set $end (i32.add (local.get $to) (local.get $length)))
    (loop $sixteen
      (local.set $a (v128.const i32x4 0 0 0 0))
      (local.set $b (local.get $a))
      (local.set $c (local.get $a))
      (local.set $d (local.get $a))
      (local.set $tap (local.get $weights))
      (local.set $source (local.get $from))
      (block $done
        (loop $taps
          (br_if $done (i32.ge_u (local.get $tap) (local.get $weights_end)))
          (local.set $weight (v128.load32_splat (local.get $tap)))
          (local.set $a
            (f32x4.add (local.get $a) (f32x4.mul (local.get $weight) (v128.load (local.get $source)))))
          (local.set $b
            (f32x4.add (local.get $b) (f32x4.mul (local.get $weight) (v128.load offset=16 (local.get $source)))))
          (local.set $c
            (f32x4.add (local.get $c) (f32x4.mul (local.get $weight) (v128.load offset=32 (local.get $source)))))
          (local.set $d
            (f32x4.add (local.get $d) (f32x4.mul (local.get $weight) (v128.load offset=48 (local.get $source)))))
          (local.set $source (i32.add (local.get $source) (local.get $step)))
          (local.set $tap (i32.add (local.get $tap) (i32.const 4)))
          (br $taps)))
      (v128.store (local.get $to) (local.get $a))
      (v128.store offset=16 (local.get $to) (local.get $b))
      (v128.store offset=32 (local.get $to) (local.get $c))
      (v128.store offset=48 (local.get $to) (local.get $d))
      (local.set $from (i32.add (local.get $from) (i32.const 64)))
      (br_if $sixteen (i32.lt_u (local.tee $to (i32.add (local.get $to) (i32.const 64))) (local.get $end)))))

  ;; One box: `map` is its image's map moved to the first column that any bin needs, and the columns of `taps_x` count from
  ;; there; `cell` and `row` are the bytes of a cell and of a row, `strip_length` those of all columns that are needed.
  ;; `strip` and `bins` are working memory, of which a bin takes `pitch` bytes; `out` gets [channels, size, size].
  (func (export "pool")
    (param $map i32) (param $cell i32) (param $row i32) (param $size i32)
    (param $taps_y i32) (param $taps_x i32) (param $taps_length i32)
    (param $strip i32) (param $strip_length i32) (param $bins i32) (param $pitch i32) (param $out i32)
    (local $y i32) (local $x i32) (local $tap i32) (local $to i32) (local $plane i32) (local $end i32)
    (local $from i32) (local $second i32) (local $third i32) (local $fourth i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128) (local $low v128) (local $high v128)
    (local.set $to (local.get $bins))
    (loop $rows
      (call $combine
        (local.get $strip)
        (i32.add (local.get $map) (i32.mul (i32.load (local.get $taps_y)) (local.get $row)))
        (local.get $row)
        (i32.add (local.get $taps_y) (i32.const 8))
        (i32.add (i32.add (local.get $taps_y) (i32.const 8)) (i32.load offset=4 (local.get $taps_y)))
        (local.get $strip_length))
      (local.set $tap (local.get $taps_x))
      (local.set $x (i32.const 0))
      (loop $columns
        (call $combine
          (local.get $to)
          (i32.add (local.get $strip) (i32.mul (i32.load (local.get $tap)) (local.get $cell)))
          (local.get $cell)
          (i32.add (local.get $tap) (i32.const 8))
          (i32.add (i32.add (local.get $tap) (i32.const 8)) (i32.load offset=4 (local.get $tap)))
          (local.get $cell))
        (local.set $to (i32.add (local.get $to) (local.get $pitch)))
        (local.set $tap (i32.add (local.get $tap) (local.get $taps_length)))
        (br_if $columns
          (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1))) (local.get $size))))
      (local.set $taps_y (i32.add (local.get $taps_y) (local.get $taps_length)))
      (br_if $rows (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const 1))) (local.get $size))))

    ;; [bins, channels] to [channels, bins], four channels and four bins at a time, from the last bins to the first: what the
    ;; last block writes behind its planes is written over by those that follow.
    (local.set $plane (i32.shl (i32.mul (local.get $size) (local.get $size)) (i32.const 2)))
    (local.set $end (i32.add (local.get $bins) (local.get $cell)))
    (loop $channels
      (local.set $second (i32.add (local.get $out) (local.get $plane)))
      (local.set $third (i32.add (local.get $second) (local.get $plane)))
      (local.set $fourth (i32.add (local.get $third) (local.get $plane)))
      (local.set $x (i32.and (i32.sub (local.get $plane) (i32.const 4)) (i32.const -16)))
      (loop $blocks
        (local.set $from (i32.add (local.get $bins) (i32.mul (i32.shr_u (local.get $x) (i32.const 2)) (local.get $pitch))))
        (local.set $a (v128.load (local.get $from)))
        (local.set $b (v128.load (local.tee $from (i32.add (local.get $from) (local.get $pitch)))))
        (local.set $c (v128.load (local.tee $from (i32.add (local.get $from) (local.get $pitch)))))
        (local.set $d (v128.load (i32.add (local.get $from) (local.get $pitch))))
        (local.set $low (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $a) (local.get $b)))
        (local.set $high (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $a) (local.get $b)))
        (local.set $a (i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23 (local.get $c) (local.get $d)))
        (local.set $b (i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31 (local.get $c) (local.get $d)))
        (v128.store (i32.add (local.get $out) (local.get $x))
          (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $low) (local.get $a)))
        (v128.store (i32.add (local.get $second) (local.get $x))
          (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $low) (local.get $a)))
        (v128.store (i32.add (local.get $third) (local.get $x))
          (i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23 (local.get $high) (local.get $b)))
        (v128.store (i32.add (local.get $fourth) (local.get $x))
          (i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31 (local.get $high) (local.get $b)))
        (br_if $blocks (i32.ge_s (local.tee $x (i32.sub (local.get $x) (i32.const 16))) (i32.const 0))))
      (local.set $out (i32.add (local.get $out) (i32.shl (local.get $plane) (i32.const 2))))
      (br_if $channels
        (i32.lt_u (local.tee $bins (i32.add (local.get $bins) (i32.const 16))) (local.get $end))))))
