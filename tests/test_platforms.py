"""One device is asked for so that OpenMM finds it, also where OpenCL has several implementations."""

from __future__ import annotations

import openmm
import pytest
from platforms import PlatformCase

from openmm_anion.errors import InputError
from openmm_anion.platforms import device_properties, same_device
from openmm_anion.study.platform import choose_platform, make_context
from openmm_anion.study.settings import ComputerSettings


def one_particle() -> openmm.System:
    system = openmm.System()
    system.addParticle(1.0)
    return system


def test_another_context_on_the_same_device(platform: PlatformCase) -> None:
    context = platform.context(one_particle(), openmm.VerletIntegrator(0.001))
    properties = same_device(context)
    again = openmm.Context(one_particle(), openmm.VerletIntegrator(0.001), context.getPlatform(), properties)
    assert same_device(again) == properties
    assert platform.properties.items() <= properties.items()
    if platform.name == "OpenCL":  # without it OpenMM refuses a device where there are two implementations
        assert "OpenCLPlatformIndex" in properties


def test_the_device_of_a_study() -> None:
    name = "OpenCL"
    assert set(device_properties(name, 0)) == {"DeviceIndex", "OpenCLPlatformIndex"}
    computer = ComputerSettings(platform=name, precision="double", devices=[0])
    context = make_context(one_particle(), openmm.VerletIntegrator(0.001), name, computer)
    assert same_device(context)["DeviceIndex"] == "0"
    assert same_device(context)["Precision"] == "double"


def test_a_device_that_is_not_there() -> None:
    assert choose_platform(ComputerSettings(platform="OpenCL", devices=[0])) == "OpenCL"
    with pytest.raises(
        InputError, match=r"^computer.devices: device 99 does not work on OpenCL: .*DeviceIndex"
    ):
        choose_platform(ComputerSettings(platform="OpenCL", devices=[0, 99]))
