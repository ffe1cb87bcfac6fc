;; The last step of an input tensor: a row of RGB triples becomes three rows of floats, one behind the other at a distance of `plane`
;; bytes. `normalise-wasm.ts` holds what "wat2wasm normalise.wat -o /dev/stdout | base64 -w0" makes of it.
(module
  (memory (export "memory") 1)

  ;; Of levels: `table` holds the normalised value (f32) of each of the 256 levels, for red, green and blue.
  (func (export "lookUp") (param $to i32) (param $plane i32) (param $from i32) (param $end i32) (param $table i32)
    (local $blue i32)
    (local.set $blue (i32.add (local.get $to) (i32.shl (local.get $plane) (i32.const 1))))
    (loop $next
      (f32.store (local.get $to)
        (f32.load (i32.add (local.get $table) (i32.shl (i32.load8_u (local.get $from)) (i32.const 2)))))
      (f32.store (i32.add (local.get $to) (local.get $plane))
        (f32.load offset=1024
          (i32.add (local.get $table) (i32.shl (i32.load8_u offset=1 (local.get $from)) (i32.const 2)))))
      (f32.store (local.get $blue)
        (f32.load offset=2048
          (i32.add (local.get $table) (i32.shl (i32.load8_u offset=2 (local.get $from)) (i32.const 2)))))
      (local.set $to (i32.add (local.get $to) (i32.const 4)))
      (local.set $blue (i32.add (local.get $blue) (i32.const 4)))
      (local.set $from (i32.add (local.get $from) (i32.const 3)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $end)))))

  ;; Of fractions of levels: (x - mean) / std, with the three means at `means` and the stds 16 bytes behind.
  (func (export "scale") (param $to i32) (param $plane i32) (param $from i32) (param $end i32) (param $means i32)
    (local $mean v128) (local $std v128) (local $pixel v128)
    (local.set $mean (v128.load (local.get $means)))
    (local.set $std (v128.load offset=16 (local.get $means)))
    (loop $next
      (local.set $pixel (f32x4.div (f32x4.sub (v128.load (local.get $from)) (local.get $mean)) (local.get $std)))
      (v128.store32_lane 0 (local.get $to) (local.get $pixel))
      (v128.store32_lane 1 (i32.add (local.get $to) (local.get $plane)) (local.get $pixel))
      (v128.store32_lane 2 (i32.add (local.get $to) (i32.shl (local.get $plane) (i32.const 1))) (local.get $pixel))
      (local.set $to (i32.add (local.get $to) (i32.const 4)))
      (local.set $from (i32.add (local.get $from) (i32.const 12)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $end))))))
