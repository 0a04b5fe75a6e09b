*** Settings ***
Documentation     Clients and servers of different versions meet.

Library           WaybillLibrary.Versions
Resource          ../common.resource

Suite Setup       Start
Suite Teardown    Stop Target
Test Setup        Begin
Test Teardown     End Scenario
Test Timeout      120 seconds


*** Test Cases ***
Every kind of client is at home on every release
    Talk On Every Release    count=10
    Check History
