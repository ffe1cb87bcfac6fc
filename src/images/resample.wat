;; The inner loops of resizing: weighted sums of pixels along a row, and of rows, in vectors. Bytes are summed up as Pillow does,
;; with weights of 22 fraction bits and rounding at the end; floats as they are.
;; `resample-wasm.ts` holds what "wat2wasm resample.wat -o /dev/stdout | base64 -w0" makes of it.
;;
;; A plan has an entry of `step` bytes for each pixel of the result: bytes to the first of its pixels (i32), bytes of its
;; weights (i32), weights (i32 or f32). Rows are summed up by a table of pairs: where the row is (i32), its weight (i32 or f32).
;; Pixels are RGB, three values, but four are read and written: what is behind a row must be free.
(module
  (memory (export "memory") 1)

  ;; Three or four bytes as whole numbers.
  (func $pixel (param $at i32) (result v128)
    (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (v128.load32_zero (local.get $at)))))

  ;; Sums of 22 fraction bits as bytes, rounded down and clipped to 0..255.
  (func $bytes (param $a v128) (param $b v128) (param $c v128) (param $d v128) (result v128)
    (i8x16.narrow_i16x8_u
      (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $a) (i32.const 22)) (i32x4.shr_s (local.get $b) (i32.const 22)))
      (i16x8.narrow_i32x4_s (i32x4.shr_s (local.get $c) (i32.const 22)) (i32x4.shr_s (local.get $d) (i32.const 22)))))

  ;; A row of bytes from a row of bytes.
  (func (export "pixels8") (param $to i32) (param $from i32) (param $plan i32) (param $end i32) (param $step i32)
    (local $source i32) (local $weight i32) (local $weights_end i32) (local $sum v128)
    (loop $next
      (local.set $sum (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
      (local.set $source (i32.add (local.get $from) (i32.load (local.get $plan))))
      (local.set $weight (i32.add (local.get $plan) (i32.const 8)))
      (local.set $weights_end (i32.add (local.get $weight) (i32.load offset=4 (local.get $plan))))
      (loop $taps
        (local.set $sum
          (i32x4.add (local.get $sum)
            (i32x4.mul (v128.load32_splat (local.get $weight)) (call $pixel (local.get $source)))))
        (local.set $source (i32.add (local.get $source) (i32.const 3)))
        (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
        (br_if $taps (i32.lt_u (local.get $weight) (local.get $weights_end))))
      (v128.store32_lane 0 (local.get $to)
        (call $bytes (local.get $sum) (local.get $sum) (local.get $sum) (local.get $sum)))
      (local.set $to (i32.add (local.get $to) (i32.const 3)))
      (local.set $plan (i32.add (local.get $plan) (local.get $step)))
      (br_if $next (i32.lt_u (local.get $plan) (local.get $end)))))

  ;; A row of floats from a row of bytes.
  (func (export "pixels32") (param $to i32) (param $from i32) (param $plan i32) (param $end i32) (param $step i32)
    (local $source i32) (local $weight i32) (local $weights_end i32) (local $sum v128)
    (loop $next
      (local.set $sum (v128.const i32x4 0 0 0 0))
      (local.set $source (i32.add (local.get $from) (i32.load (local.get $plan))))
      (local.set $weight (i32.add (local.get $plan) (i32.const 8)))
      (local.set $weights_end (i32.add (local.get $weight) (i32.load offset=4 (local.get $plan))))
      (loop $taps
        (local.set $sum
          (f32x4.add (local.get $sum)
            (f32x4.mul
              (v128.load32_splat (local.get $weight))
              (f32x4.convert_i32x4_u (call $pixel (local.get $source))))))
        (local.set $source (i32.add (local.get $source) (i32.const 3)))
        (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
        (br_if $taps (i32.lt_u (local.get $weight) (local.get $weights_end))))
      (v128.store (local.get $to) (local.get $sum))
      (local.set $to (i32.add (local.get $to) (i32.const 12)))
      (local.set $plan (i32.add (local.get $plan) (local.get $step)))
      (br_if $next (i32.lt_u (local.get $plan) (local.get $end)))))

  ;; A row of bytes from rows of bytes, 16 at a time.
  (func (export "rows8") (param $to i32) (param $length i32) (param $table i32) (param $end i32)
    (local $at i32) (local $tap i32) (local $weight v128) (local $row v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (loop $next
      (local.set $a (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
      (local.set $b (local.get $a))
      (local.set $c (local.get $a))
      (local.set $d (local.get $a))
      (local.set $tap (local.get $table))
      (loop $taps
        (local.set $row (v128.load (i32.add (i32.load (local.get $tap)) (local.get $at))))
        (local.set $weight (v128.load32_splat offset=4 (local.get $tap)))
        (local.set $a
          (i32x4.add (local.get $a)
            (i32x4.mul (local.get $weight) (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u (local.get $row))))))
        (local.set $b
          (i32x4.add (local.get $b)
            (i32x4.mul (local.get $weight) (i32x4.extend_high_i16x8_u (i16x8.extend_low_i8x16_u (local.get $row))))))
        (local.set $c
          (i32x4.add (local.get $c)
            (i32x4.mul (local.get $weight) (i32x4.extend_low_i16x8_u (i16x8.extend_high_i8x16_u (local.get $row))))))
        (local.set $d
          (i32x4.add (local.get $d)
            (i32x4.mul (local.get $weight) (i32x4.extend_high_i16x8_u (i16x8.extend_high_i8x16_u (local.get $row))))))
        (local.set $tap (i32.add (local.get $tap) (i32.const 8)))
        (br_if $taps (i32.lt_u (local.get $tap) (local.get $end))))
      (v128.store (i32.add (local.get $to) (local.get $at))
        (call $bytes (local.get $a) (local.get $b) (local.get $c) (local.get $d)))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $length)))))

  ;; A row of floats from rows of floats, four at a time.
  (func (export "rows32") (param $to i32) (param $length i32) (param $table i32) (param $end i32)
    (local $at i32) (local $tap i32) (local $sum v128)
    (loop $next
      (local.set $sum (v128.const i32x4 0 0 0 0))
      (local.set $tap (local.get $table))
      (loop $taps
        (local.set $sum
          (f32x4.add (local.get $sum)
            (f32x4.mul
              (v128.load32_splat offset=4 (local.get $tap))
              (v128.load (i32.add (i32.load (local.get $tap)) (local.get $at))))))
        (local.set $tap (i32.add (local.get $tap) (i32.const 8)))
        (br_if $taps (i32.lt_u (local.get $tap) (local.get $end))))
      (v128.store (i32.add (local.get $to) (local.get $at)) (local.get $sum))
      (local.set $at (i32.add (local.get $at) (i32.const 16)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $length))))))
