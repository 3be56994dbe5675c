"""Requests: what they refuse, and that TOML files keep them."""

from __future__ import annotations

import inspect
from dataclasses import is_dataclass
from pathlib import Path

import pytest

from amortized_sfh import requests
from amortized_sfh.requests import (
    BinsRequest,
    DiscRequest,
    GenerativeRequest,
    HstRequest,
    InferRequest,
    InferSpectrumRequest,
    MasksRequest,
    MeasureNoiseRequest,
    MismatchRequest,
    NoiseRequest,
    ProfileRequest,
    SimulateRequest,
    TrainRequest,
    VelocitiesRequest,
    read_request,
    write_request,
)
from simulators.observations.masks import mask_observation

CUBE, OUT = Path("cube.fits"), Path("maps.fits")
FULL = InferRequest(
    cube=CUBE,
    out=OUT,
    redshift=0.00243,
    ebv=0.03,
    distance_mpc=11.32,
    model="phangs-emiles",
    draws=400,
    seed=7,
    device="cpu",
    region=(10, 60, 0, 50),
    hst={
        "F275W": HstRequest(image=Path("a b.fits"), weight=Path("w.fits"), sky=-1e-3),
        "F555W": HstRequest(image=Path('quote".fits'), sky=0.1, sky_sigma=2e-4),
    },
    psf_fwhm_arcsec=0.96,
    align=True,
    bins=BinsRequest(target_snr=40.0),
    masks=MasksRequest(lines_aa=(5018.0, 5411.5), regions=Path("é.reg"), ao=False),
    velocities=VelocitiesRequest(two_pass=True),
    noise=NoiseRequest(profile="muse-abell478", measure=True),
    disc=DiscRequest(inclination_deg=57.0, position_angle_deg=173.0, centre="20.5,19"),
    profile=ProfileRequest(n_annuli=8, effective_radius_arcsec=66.0),
    save_draws=Path("draws.nc"),
    spaxels=((1, 2), (30, 4)),
    plots=False,
)
REQUESTS = [
    FULL,
    InferRequest(cube=CUBE, out=OUT, redshift=0.0),
    InferSpectrumRequest(spectrum=Path("s.fits"), out=Path("o"), rows=(3, 7), medium="air"),
    MeasureNoiseRequest(cube=CUBE, out=Path("n.h5"), region=(0, 5, 0, 5), redshift=0.01),
    MismatchRequest(other="b", out=Path("m.h5"), modes=3),
    SimulateRequest(out=Path("t.h5"), generative=GenerativeRequest(library="toy", mismatch="m")),
    TrainRequest(out=Path("run"), start_from="phangs-bc03", freeze_encoder=True, passes=4),
]


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: type(request).__name__)
def test_a_file_keeps_a_request(request_, tmp_path):
    path = write_request(request_, tmp_path / "request.toml")
    assert read_request(type(request_), path) == request_
    assert [p.name for p in tmp_path.iterdir()] == ["request.toml"]


def test_names_of_files_may_be_texts():
    request = InferRequest(cube="cube.fits", out="maps.fits", redshift=0.0)
    assert request == InferRequest(cube=CUBE, out=OUT, redshift=0.0)
    assert HstRequest(image="a.fits").weight is None
    assert TrainRequest(out="run", start_from="phangs-bc03").start_from == "phangs-bc03"


def test_what_a_run_is_of_stands_first_in_its_file(tmp_path):
    path = write_request(FULL, tmp_path / "request.toml")
    lines = path.read_text().splitlines()
    assert [line.partition(" ")[0] for line in lines[1:4]] == ["cube", "out", "redshift"]


def test_whether_products_are_replaced_is_not_kept(tmp_path):
    request = InferRequest(cube=CUBE, out=OUT, redshift=0.0, overwrite=True)
    path = write_request(request, tmp_path / "request.toml")
    assert not read_request(InferRequest, path).overwrite


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("drawz = 3", "run.toml, line 4: unknown key 'drawz'; did you mean 'draws'?"),
        ("draws = 3.5", "run.toml, line 4: draws is 3.5; expected a whole number"),
        ("plots = 'no'", "line 4: plots is 'no'; expected true or false"),
        ("region = [1, 2]", "line 4: region is [1, 2]; expected 4 values"),
        ("[mask]", "line 4: unknown key 'mask'; did you mean 'masks'?"),
        (
            "[masks]\nline = [5018]",
            "line 5: unknown key 'line' in [masks]; did you mean 'lines_aa'?",
        ),
        (
            "[velocities]\nkinematics = 'fixd'",
            "line 5, [velocities]: kinematics is 'fixd'; did you mean 'fixed'?",
        ),
        (
            "[hst.F275W]\nimag = 'a'",
            "line 5: unknown key 'imag' in [hst.F275W]; did you mean 'image'",
        ),
        ("[hst.F275W]\nsky = 1.0", "has no 'image': add it"),
        ("[masks]\nline_half_width_kms = 300.0", "line width is 300 km/s; expected at least 400"),
        ("draws = 1", "1 draws were asked for; expected at least 2"),
        ("a = [", "run.toml is no TOML file"),
    ],
)
def test_files_that_hold_no_request(text, expected, tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(f"cube = 'c.fits'\nout = 'm.fits'\nredshift = 0.1\n{text}\n")
    with pytest.raises(ValueError, match=r"run\.toml") as error:
        read_request(InferRequest, path)
    assert expected in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_request(InferRequest, tmp_path / "nowhere.toml")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: BinsRequest(map=CUBE, target_snr=3.0), "--bins and --target-snr; expected one"),
        (lambda: BinsRequest(gas_cleaned=True), "--gas-cleaned needs --gist"),
        (lambda: VelocitiesRequest(map="v.fits", two_pass=True), "exclude each other"),
        (lambda: HstRequest(image=CUBE, sky_sigma=0.1), "there is no sky level"),
        (lambda: ProfileRequest(n_annuli=0), "at least 1 annulus"),
        (lambda: ProfileRequest(effective_radius_arcsec=3.0), "add --profile N"),
        (lambda: DiscRequest(inclination_deg=91.0), "below 90"),
        (lambda: DiscRequest(centre="here"), "expected pixels x,y"),
        (lambda: MasksRequest(line_half_width_kms=10.0), "expected at least 400"),
        (lambda: GenerativeRequest(like="phangs-bc03", library="toy"), "settles --library"),
        (lambda: TrainRequest(out=OUT, passes=2), "add --freeze-encoder"),
        (lambda: MeasureNoiseRequest(cube=CUBE, out=OUT, line_half_width_kms=0.0), "above 0"),
        (lambda: InferSpectrumRequest(spectrum=CUBE, out=OUT, draws=1), "at least 2"),
    ],
)
def test_contradictions_are_refused_when_they_are_made(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"cube": None}, "the cube is missing"),
        ({"redshift": 700.0}, "expected a number between"),
        ({"spaxels": ((1, 2),)}, "add --save-draws"),
        ({"velocities": VelocitiesRequest(kinematics="fixed")}, "give --dap or --gist"),
        (
            {"bins": BinsRequest(dap=CUBE), "velocities": VelocitiesRequest(two_pass=True)},
            "bring their own velocities",
        ),
        (
            {"bins": BinsRequest(gist=CUBE, gas_cleaned=True), "region": (0, 1, 0, 1)},
            "takes whole bins",
        ),
        (
            {
                "cube": None,
                "bins": BinsRequest(gist=CUBE, gas_cleaned=True),
                "hst": {"F555W": HstRequest(image=CUBE)},
            },
            "--hst needs the cube",
        ),
        (
            {"profile": ProfileRequest(n_annuli=3), "disc": DiscRequest(inclination_deg=50.0)},
            "needs --position-angle",
        ),
        (
            {
                "profile": ProfileRequest(n_annuli=3),
                "bins": BinsRequest(dap=CUBE),
                "velocities": VelocitiesRequest(kinematics="prior"),
            },
            "leave out --kinematics",
        ),
    ],
)
def test_parts_that_do_not_go_together(changes, expected):
    with pytest.raises(ValueError, match=expected):
        InferRequest(**({"cube": CUBE, "out": OUT, "redshift": 0.1} | changes))


@pytest.mark.parametrize("name", [n for n in requests.__all__ if n.endswith("Request")])
def test_every_field_is_documented(name):
    kind = getattr(requests, name)
    assert is_dataclass(kind)
    for owner in (base for base in kind.__mro__ if is_dataclass(base)):
        section = inspect.getdoc(owner).partition("Parameters\n----------\n")[2].split("\n\n")[0]
        lines = [line for line in section.splitlines() if line[:1] != " "]
        named = {word for line in lines for word in line.split(", ")}
        assert named == set(inspect.get_annotations(owner))


def test_masks_of_lines_are_those_of_the_training():
    used = inspect.signature(mask_observation).parameters["half_width_kms"].default
    assert MasksRequest().line_half_width_kms == used
