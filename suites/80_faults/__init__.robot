*** Settings ***
Documentation    Faults of disks, clocks and networks: what fails is refused or repeated, and what was acknowledged stays.
