*** Settings ***
Documentation     *PBT-1 Codec properties of every opcode.* What is said with any operation of the protocol comes back as it
...               was said, whatever the values, their lengths and their spelling; a frame that is not whole is waited
...               for, and more behind one is an error.

Resource          ../../keywords/scenario.resource
Resource          ../../keywords/devices.resource
Resource          ../../keywords/messages.resource
Resource          ../../keywords/codec.resource

Suite Setup       A fresh target
Suite Teardown    The target is stopped
Test Setup        A scenario begins
Test Teardown     The scenario ends

Test Tags         pbt-1    p1    versions


*** Test Cases ***
Whatever is said with any operation comes back as it was said
    When alice and bob say everything that the protocol has, while carol comes and goes
    And alice says every operation to bob with something behind it, while carol looks on
    Then every message is accounted for
