"""Makes the fixtures of test/images: what Pillow, torch and torchvision do with the same pixels.

    training/.venv/bin/python test/reference/images.py

Needs numpy, pillow, torch, torchvision, scikit-image (for a photo in the public domain).
"""

import io
import json
from pathlib import Path

import numpy as np
import skimage
import torch
from PIL import Image, ImageCms
from torchvision.models.detection.transform import GeneralizedRCNNTransform

HERE = Path(__file__).resolve().parent
OUT = HERE.parent / "fixtures" / "images"
OUT.mkdir(parents=True, exist_ok=True)
astronaut = Image.open(Path(skimage.__file__).parent / "data" / "astronaut.png").convert("RGB")

# A photo with detail, noise and hard edges, of odd sides.
photo = astronaut.crop((150, 30, 150 + 97, 30 + 73))
pixels = np.array(photo)
rng = np.random.default_rng(1)
pixels[40:, :40] = rng.integers(0, 256, (33, 40, 3))
pixels[50:60, 50:80] = 255
pixels[60:70, 50:80] = 0
photo = Image.fromarray(pixels)
photo.save(OUT / "photo.png", optimize=True)

SIZES = [(97, 73), (60, 45), (33, 20), (48, 73), (97, 36), (7, 5), (1, 1), (150, 113), (97, 100), (200, 31), (96, 72)]
for size in SIZES:
    photo.resize(size, Image.Resampling.BILINEAR).save(OUT / f"pillow-{size[0]}x{size[1]}.png", optimize=True)

# Torch on float tensors, HWC as in an RgbImage.
tensor = torch.from_numpy(np.array(photo)).permute(2, 0, 1)[None].float()
for size in [(60, 45), (33, 20), (30, 90)]:
    for antialias in (False, True):
        out = torch.nn.functional.interpolate(
            tensor, (size[1], size[0]), mode="bilinear", align_corners=False, antialias=antialias
        )
        name = f"torch-{'antialias' if antialias else 'bilinear'}-{size[0]}x{size[1]}.f32"
        (OUT / name).write_bytes(out[0].permute(1, 2, 0).contiguous().numpy().astype("<f4").tobytes())

# The whole way to a tensor: longer side 40, x / 127.5 - 1, padded to 32.
small = photo.resize((40, 30), Image.Resampling.BILINEAR)
padded = torch.zeros(3, 32, 64)
padded[:, :30, :40] = torch.from_numpy(np.array(small)).permute(2, 0, 1).float() / 127.5 - 1
(OUT / "tensor-longer40.f32").write_bytes(padded.numpy().astype("<f4").tobytes())

# The whole way as torchvision's detectors go: normalise first, then resize the tensor.
mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
transform = GeneralizedRCNNTransform(30, 50, mean, std)
images, _ = transform([tensor[0] / 255])
(OUT / "tensor-torchvision.f32").write_bytes(images.tensors[0].numpy().astype("<f4").tobytes())

# Sizes. torchvision's come from itself, Detectron2's are its get_output_shape written out.
def detectron2(width: int, height: int, size: int = 800, longest: int = 1333) -> list[int]:
    scale = size * 1.0 / min(height, width)
    new_height, new_width = (size, scale * width) if height < width else (scale * height, size)
    if max(new_height, new_width) > longest:
        scale = longest * 1.0 / max(new_height, new_width)
        new_height, new_width = new_height * scale, new_width * scale
    return [int(new_width + 0.5), int(new_height + 0.5)]


def longer(width: int, height: int, size: int = 480) -> list[int]:
    scale = size / max(width, height)
    return [max(1, int(side * scale + 0.5)) for side in (width, height)]


photos = [tuple(int(side) for side in rng.integers(20, 700, 2)) for _ in range(150)]
photos += [(500, 375), (333, 500), (640, 480), (480, 360), (500, 333), (500, 281), (64, 64), (1000, 11)]
floor = GeneralizedRCNNTransform(80, 133, [0, 0, 0], [1, 1, 1])
rows = []
for width, height in photos:
    resized, _ = floor.resize(torch.zeros(3, height, width), None)
    rows.append(
        {
            "photo": [width, height],
            "torchvision": [resized.shape[2], resized.shape[1]],
            "detectron2": detectron2(width, height),
            "longer": longer(width, height),
        }
    )
(OUT / "sizes.json").write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")

# Files to decode: the same 24 x 16 picture, red left, green right, a blue bar at the bottom.
flag = np.zeros((16, 24, 3), np.uint8)
flag[:, :12, 0] = 255
flag[:, 12:, 1] = 255
flag[12:] = (0, 0, 255)
flag = Image.fromarray(flag)
jpeg = {"quality": 95, "subsampling": 0}
flag.save(OUT / "rgb.jpg", **jpeg)
turns = {
    1: lambda i: i,
    2: lambda i: i.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    3: lambda i: i.transpose(Image.Transpose.ROTATE_180),
    4: lambda i: i.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    5: lambda i: i.transpose(Image.Transpose.TRANSPOSE),
    6: lambda i: i.transpose(Image.Transpose.ROTATE_90),
    7: lambda i: i.transpose(Image.Transpose.TRANSVERSE),
    8: lambda i: i.transpose(Image.Transpose.ROTATE_270),
}
for orientation, turn in turns.items():
    exif = Image.Exif()
    exif[0x0112] = orientation
    turn(flag).save(OUT / f"exif-{orientation}.jpg", exif=exif, **jpeg)
flag.convert("CMYK").save(OUT / "cmyk.jpg", **jpeg)
flag.convert("RGB").save(OUT / "profile.jpg", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(), **jpeg)
flag.convert("P", palette=Image.Palette.ADAPTIVE).save(OUT / "palette.png")
flag.convert("L").save(OUT / "grey.png")
alpha = flag.convert("RGBA")
alpha.putalpha(Image.fromarray(np.tile(np.array([[255] * 8 + [128] * 8 + [0] * 8], np.uint8), (16, 1))))
alpha.save(OUT / "rgba.png")
alpha.convert("LA").save(OUT / "grey-alpha.png")
Image.fromarray((np.arange(24 * 16, dtype=np.uint16).reshape(16, 24) * 170)).save(OUT / "grey16.png")
flag.save(OUT / "animated.gif", save_all=True, append_images=[Image.new("RGB", (24, 16), "white")], duration=100)
flag.save(OUT / "animated.webp", save_all=True, append_images=[Image.new("RGB", (24, 16), "white")], lossless=True, duration=100)
whole = io.BytesIO()
astronaut.crop((150, 0, 278, 128)).save(whole, "JPEG", quality=80)
(OUT / "truncated.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
whole = io.BytesIO()
photo.save(whole, "PNG")
(OUT / "truncated.png").write_bytes(whole.getvalue()[:9000])
