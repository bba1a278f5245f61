"""Sets in three parts: nothing is in two of them, nothing of the last two is known, and what is missing is a sentence."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from assent.committees import splits
from assent.committees.splits import DATA_FOLDER, Labelled

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get(DATA_FOLDER) or ROOT.parent / "shared" / "data")


@pytest.fixture
def folder() -> Path:
    """Where the real sets are; without them their tests skip, under CI=true they fail."""
    missing = [name for name in ("mnist.npz", "cifar10_jpeg.npz") if not (DATA / name).is_file()]
    if missing:
        sentence = f"{missing[0]} is not in ../shared/data beside the repository, nor where {DATA_FOLDER} says."
        pytest.fail(sentence) if os.environ.get("CI", "").lower() == "true" else pytest.skip(sentence)
    return DATA


def distinct(*parts: Labelled) -> int:
    return len({row.tobytes() for part in parts for row in part.x})


def test_the_digits_are_all_there_once_and_seen_as_the_training_part_is() -> None:
    found = splits.digits(3)
    assert [len(part) for part in (found.train, found.validation, found.test)] == [500, 297, 1_000]
    assert distinct(found.train, found.validation, found.test) == 1_797
    assert abs(float(found.train.x.mean())) < 1e-5
    assert float(found.train.x.std()) == pytest.approx(1.0, abs=1e-5)
    # the wrong variant standardises by all items, and so learns from the test
    assert abs(float(found.test.x.mean())) > 1e-5
    other = splits.digits(4)
    assert not np.array_equal(found.train.x, other.train.x)
    np.testing.assert_array_equal(splits.digits(3).train.x, found.train.x)


def test_mnist_has_means_of_four_pixels_and_its_own_test_part(folder: Path) -> None:
    found = splits.mnist(1, num_train=200, num_validation=100, folder=folder)
    assert found.train.x.shape == (200, 196)
    assert (len(found.validation), len(found.test), found.num_classes) == (100, 10_000, 10)
    with np.load(folder / "mnist.npz") as arrays:
        picture, label = arrays["test_image"][7].astype(np.float64), int(arrays["test_label"][7])
    by_hand = np.asarray([[picture[2 * r : 2 * r + 2, 2 * c : 2 * c + 2].mean() for c in range(14)] for r in range(14)])
    seen = found.test.x[7].astype(np.float64)
    scale = np.std(by_hand) / np.std(seen)
    np.testing.assert_allclose(seen * scale - (seen * scale - by_hand.ravel()).mean(), by_hand.ravel(), atol=1e-2)
    assert int(found.test.y[7]) == label
    assert distinct(found.train, found.validation) == 300


def test_cifar_is_decoded_and_each_channel_standardised(folder: Path) -> None:
    found = splits.cifar10(0, num_train=300, num_validation=50, folder=folder)
    assert found.train.x.shape == (300, 32, 32, 3)
    np.testing.assert_allclose(found.train.x.astype(np.float64).mean(axis=(0, 1, 2)), 0.0, atol=1e-4)
    np.testing.assert_allclose(found.train.x.astype(np.float64).std(axis=(0, 1, 2)), 1.0, atol=1e-4)
    assert np.bincount(found.test.y).tolist() == [1_000] * 10


def test_what_is_not_there_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match=r"mnist\.npz is not in .*ASSENT_DATA"):
        splits.mnist(folder=tmp_path)
    monkeypatch.delenv(DATA_FOLDER, raising=False)
    with pytest.raises(FileNotFoundError, match="Nobody says where cifar10_jpeg"):
        splits.cifar10()
    monkeypatch.setenv(DATA_FOLDER, str(tmp_path))
    with pytest.raises(FileNotFoundError, match=tmp_path.name):
        splits.mnist()


def test_items_that_do_not_vary_are_0_and_no_nan(tmp_path: Path) -> None:
    """The wrong variant divides by their spread."""
    images = np.full((3, 28, 28), 3, dtype=np.uint8)
    images[:, ::2, ::2] = 1  # each window of four has the mean 2.5
    other = np.full((1, 28, 28), 4, dtype=np.uint8)
    labels = np.zeros(3, dtype=np.uint8)
    np.savez(tmp_path / "mnist.npz", train_image=images, train_label=labels, test_image=other, test_label=labels[:1])
    found = splits.mnist(num_train=2, num_validation=1, folder=tmp_path)
    assert found.train.x.tolist() == np.zeros((2, 196)).tolist()
    assert found.validation.x.tolist() == np.zeros((1, 196)).tolist()
    assert found.test.x.tolist() == np.full((1, 196), 1.5).tolist()


def some_mnist(**changed: object) -> dict[str, object]:
    images, labels = np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.uint8)
    return {"train_image": images, "train_label": labels, "test_image": images, "test_label": labels, **changed}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"test_label": np.asarray([1, 2, 11])}, "label 11; these are from 0 to 9"),
        ({"test_label": np.asarray([0.5, 1.0, 2.0])}, "Labels are float64"),
        ({"train_label": np.asarray([2**32 + 1, 0, 0])}, "to 4,?294,?967,?297"),
        ({"train_image": np.zeros((3, 27, 28), np.uint8)}, r"\(3, 27, 28\); MNIST's are"),
        ({"test_image": None}, "has no array 'test_image"),
    ],
    ids=["a label beyond ten", "half a label", "a label that wraps", "other pictures", "no pictures"],
)
def test_a_file_of_other_arrays_is_a_sentence(tmp_path: Path, changed: dict[str, object], said: str) -> None:
    arrays = {name: value for name, value in some_mnist(**changed).items() if value is not None}
    np.savez(tmp_path / "mnist.npz", **arrays)  # pyright: ignore[reportArgumentType]  (names, not options)
    with pytest.raises(ValueError, match=said):
        splits.mnist(num_train=2, num_validation=1, folder=tmp_path)


@pytest.mark.parametrize("held", [b"", b"nothing of the kind", "one array"], ids=["empty", "text", "one array"])
def test_a_file_that_is_no_archive_is_a_sentence(tmp_path: Path, held: bytes | str) -> None:
    """NumPy would advise to read it unsafely."""
    with (tmp_path / "mnist.npz").open("wb") as file:
        file.write(held) if isinstance(held, bytes) else np.save(file, np.zeros(3))
    with pytest.raises(ValueError, match=r"mnist\.npz is no archive") as caught:
        splits.mnist(folder=tmp_path)
    assert "allow_pickle" not in str(caught.value)


def test_more_items_than_there_are_is_a_sentence(folder: Path) -> None:
    with pytest.raises(ValueError, match="60,000 in all"):
        splits.mnist(num_train=60_000, num_validation=1, folder=folder)
    with pytest.raises(ValueError, match="at least one"):
        splits.mnist(num_train=0, folder=folder)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [
        ([[1.0]], [0, 1], "a label each"),
        (np.zeros((0, 2)), [], "at least one item"),
        ([[np.nan], [1.0], [np.inf]], [0, 0, 0], "Item 0 holds .* 1 others"),
        ([[1.0]], [-1], "integers from 0"),
        ([[1.0]], [0.5], "integers from 0"),
        ([[1.0], [2.0]], [2**32, 2**32 + 1], "from 4294967296 to 4294967297"),
        ([[1.0], [2.0]], [0, 2**31], "2,147,483,647 at most"),
        ([1.0], [0], r"\[n, \.\.\.\]"),
    ],
)
def test_what_is_no_labelled_set_is_refused(x: object, y: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Labelled.of(np.asarray(x), np.asarray(y))
