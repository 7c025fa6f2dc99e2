# SPDX-License-Identifier: Apache-2.0
"""The sign-in pages in a real browser, Chromium, that trusts the site's authority and runs no JavaScript."""
import http.server
import threading
import urllib.parse
import webbrowser

import msal
import pytest
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

import web_browser
from environment import resolving, wait_for
from sign_in import NAME, SignInTenant, Site, contrast
from web_browser import Application

PASSWORD = "Correct-Horse-7!"


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    tenant = SignInTenant(Site(tmp_path_factory.mktemp("site")), tmp_path_factory.mktemp("tenant"))
    tenant.add_user("anna", PASSWORD)
    tenant.add_user("dora", PASSWORD, mustChange=True)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Application)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    tenant.redirect = f"http://127.0.0.1:{server.server_port}/signed-in"
    tenant.web, _ = tenant.create_app("Wiki & Co", "--redirect-uri", tenant.redirect)
    tenant.native, _ = tenant.create_app(
        "Tool", "--public", "--redirect-uri", "http://localhost", "--grant", "authorization_code", "--grant",
        "refresh_token", "--grant", "device_code")
    with resolving(tenant.names):
        yield tenant
    server.shutdown()
    tenant.stop()


def chromium(tenant, home, script):
    return web_browser.chromium(home, tenant.lab.authority, {NAME: "127.0.0.1"}, script=script)


@pytest.fixture(scope="module")
def driver(tenant, tmp_path_factory):
    driver = chromium(tenant, tmp_path_factory.mktemp("browser"), script=False)
    yield driver
    driver.quit()


@pytest.fixture(autouse=True)
def stranger(driver, tenant):
    """Each test begins signed out, at an empty page."""
    Application.seen.clear()
    driver.get(f"https://{NAME}/{tenant.initial_domain}/assets/style.css")
    driver.delete_all_cookies()


def open_sign_in(driver, tenant, **more):
    driver.get(f"{tenant.issuer}/oauth2/v2.0/authorize?" + urllib.parse.urlencode({
        "client_id": tenant.web, "redirect_uri": tenant.redirect, "response_type": "code", "scope": "openid",
        "state": "s", **more}))


def field(driver, name):
    """A page that is still arriving may have its heading and not yet its fields."""
    return wait_for(lambda: driver.find_elements(By.ID, name), f"the field {name}")[0]


def sign_in(driver, name, password):
    field(driver, "username").clear()
    field(driver, "username").send_keys(name)
    field(driver, "password").send_keys(password, Keys.ENTER)


def heading(driver):
    """Empty while one page gives way to the next."""
    try:
        return driver.find_element(By.TAG_NAME, "h1").text
    except (NoSuchElementException, StaleElementReferenceException):
        return ""


def wait_for_error(driver):
    """The page says that something went wrong, and is there to its end."""
    def is_there():
        return driver.title.startswith("Error: ") and driver.find_elements(By.CSS_SELECTOR, "main form button")
    wait_for(is_there, "the error is shown")


def test_no_script_runs_here(driver):
    """What the other tests of this browser show is shown without JavaScript."""
    driver.get("data:text/html,<title>plain</title><script>document.title='scripted'</script>")
    assert driver.title == "plain"


def test_a_person_signs_in_with_the_keyboard(driver, tenant):
    open_sign_in(driver, tenant)
    assert driver.title == "Sign in – corp.tenant.example" and heading(driver) == "Sign in"
    assert "Wiki & Co" in driver.find_element(By.TAG_NAME, "main").text
    # The cursor is in the first field; Tab goes to the next, Enter sends.
    wait_for(lambda: driver.switch_to.active_element.get_attribute("id") == "username", "the cursor is in the first field")
    driver.switch_to.active_element.send_keys("anna@corp.example", Keys.TAB)
    driver.switch_to.active_element.send_keys("wrong", Keys.ENTER)
    # What went wrong comes first, has the focus, and leads to the field.
    wait_for_error(driver)
    alert = driver.find_element(By.CSS_SELECTOR, "[role=alert]")
    wait_for(lambda: driver.switch_to.active_element == alert, "the message has the focus")
    assert "did not work" in alert.text
    assert field(driver, "username").get_attribute("aria-invalid") == "true"
    assert field(driver, "username").get_attribute("value") == "anna@corp.example"
    assert field(driver, "password").get_attribute("value") == ""
    alert.find_element(By.TAG_NAME, "a").click()
    wait_for(lambda: urllib.parse.urlsplit(driver.current_url).fragment == "username", "the link leads to the field")
    field(driver, "password").send_keys(PASSWORD, Keys.ENTER)
    wait_for(lambda: Application.seen, "the application gets its answer")
    answer = Application.seen[0]
    assert answer["code"].startswith("bhc_") and answer["state"] == "s" and answer["iss"] == tenant.issuer
    # A second time nothing is asked.
    open_sign_in(driver, tenant)
    wait_for(lambda: len(Application.seen) == 2, "the second answer")


def test_the_page_is_accessible(driver, tenant):
    open_sign_in(driver, tenant)
    sign_in(driver, "anna@corp.example", "wrong")
    wait_for_error(driver)
    assert driver.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    assert [h.tag_name for h in driver.find_elements(By.CSS_SELECTOR, "h1, h2")].count("h1") == 1
    for element in driver.find_elements(By.CSS_SELECTOR, "input:not([type=hidden])"):
        assert element.accessible_name and element.aria_role == "textbox"
        described = element.get_attribute("aria-describedby").split()
        assert described and all(field(driver, id).is_displayed() for id in described)
        assert element.size["height"] >= 44
    assert field(driver, "username").get_attribute("autocomplete") == "username"
    assert field(driver, "password").get_attribute("autocomplete") == "current-password"
    button = driver.find_element(By.TAG_NAME, "button")
    assert button.accessible_name == "Sign in" and button.size["height"] >= 44
    for scheme in ("light", "dark"):
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                               {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        page = driver.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        checked = 0
        for element in driver.find_elements(By.CSS_SELECTOR, "h1, h2, p, label, input:not([type=hidden]), button, .error a"):
            ground = element.value_of_css_property("background-color")
            if ground == "rgba(0, 0, 0, 0)":
                inside = element.find_elements(By.XPATH, "ancestor::div[@role='alert']")
                ground = inside[0].value_of_css_property("background-color") if inside else page
            assert contrast(element.value_of_css_property("color"), ground) >= 7, (scheme, element.tag_name)
            checked += 1
        assert checked >= 10
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    # 320 CSS pixels, as at 400 % zoom: nothing has to be scrolled sideways (WCAG 2.2, 1.4.10).
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": False})
    layout = driver.execute_cdp_cmd("Page.getLayoutMetrics", {})
    assert layout["cssContentSize"]["width"] <= 320
    driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_cookies_are_out_of_reach(driver, tenant):
    open_sign_in(driver, tenant)
    sign_in(driver, "anna@corp.example", PASSWORD)
    wait_for(lambda: Application.seen, "the application gets its answer")
    driver.get(f"{tenant.issuer}/device")
    cookies = {c["name"]: c for c in driver.get_cookies()}
    assert set(cookies) == {"__Host-bridgehead-session", "__Host-bridgehead-form"}
    assert all(c["secure"] and c["httpOnly"] and c["path"] == "/" and c["domain"] == NAME for c in cookies.values())
    assert [cookies[f"__Host-bridgehead-{n}"]["sameSite"] for n in ("session", "form")] == ["Lax", "Strict"]


def test_the_page_cannot_be_framed(driver, tenant):
    driver.get(f"data:text/html,<iframe src='{tenant.issuer}/device'></iframe>")
    driver.switch_to.frame(0)
    assert not driver.find_elements(By.ID, "username")
    driver.switch_to.default_content()


def test_a_password_that_must_be_changed(driver, tenant):
    open_sign_in(driver, tenant)
    sign_in(driver, "dora@corp.example", PASSWORD)
    wait_for(lambda: heading(driver) == "Your password must be changed", "the explanation")
    assert "has no password writeback" in driver.find_element(By.TAG_NAME, "main").text
    assert not Application.seen


def test_a_session_that_was_revoked(driver, tenant):
    open_sign_in(driver, tenant)
    sign_in(driver, "anna@corp.example", PASSWORD)
    wait_for(lambda: Application.seen, "the application gets its answer")
    # Browsers speak HTTP/2, where the address is the connection's.
    assert {s["source"] for s in tenant.report("sessions", "list", "--user", "anna@corp.example")} == {"127.0.0.1"}
    tenant.command("sessions", "revoke", "--user", "anna@corp.example")
    open_sign_in(driver, tenant)
    assert heading(driver) == "Sign in"


def test_signing_out(driver, tenant):
    open_sign_in(driver, tenant)
    sign_in(driver, "anna@corp.example", PASSWORD)
    wait_for(lambda: Application.seen, "the application gets its answer")
    driver.get(f"{tenant.issuer}/oauth2/v2.0/logout")
    assert heading(driver) == "Sign out?"
    driver.find_element(By.TAG_NAME, "button").click()
    wait_for(lambda: heading(driver) == "You are signed out", "signed out")
    open_sign_in(driver, tenant)
    assert heading(driver) == "Sign in"


def test_a_device(driver, tenant):
    app = msal.PublicClientApplication(
        tenant.native, authority=tenant.issuer, instance_discovery=False, verify=tenant.lab.authority)
    flow = app.initiate_device_flow(["email"])
    driver.get(flow["verification_uri"])
    sign_in(driver, "anna@corp.example", PASSWORD)
    wait_for(lambda: heading(driver) == "Connect a device", "the page for the code")
    field(driver, "user_code").send_keys(flow["user_code"], Keys.ENTER)
    wait_for(lambda: heading(driver) == "Allow Tool to sign in as you?", "the question")
    wait_for(lambda: driver.find_elements(By.XPATH, "//button[text()='Allow']"), "its buttons")[0].click()
    wait_for(lambda: heading(driver) == "The device is signed in", "the decision")
    assert app.acquire_token_by_device_flow(flow)["id_token_claims"]["preferred_username"] == "anna@corp.example"


def interactive(tenant, monkeypatch, drive):
    """MSAL as a native application does it: a listener of its own on a port of its own, and a form that is posted there."""
    app = msal.PublicClientApplication(
        tenant.native, authority=tenant.issuer, instance_discovery=False, verify=tenant.lab.authority)
    threads = []

    def browse(url, *_, **__):
        threads.append(threading.Thread(target=drive, args=[url]))
        threads[-1].start()
        return True

    # MSAL would open the machine's own browser.
    monkeypatch.setattr(webbrowser, "open", browse)
    result = app.acquire_token_interactive(["email"], timeout=60)
    assert result["id_token_claims"]["preferred_username"] == "anna@corp.example", result
    threads[0].join(60)


def test_msal_interactive_without_javascript(driver, tenant, monkeypatch):
    def drive(url):
        driver.get(url)
        sign_in(driver, "anna@corp.example", PASSWORD)
        wait_for(lambda: heading(driver) == "Back to the application", "the form for the application")
        wait_for(lambda: driver.find_elements(By.TAG_NAME, "button"), "its button")[0].click()

    interactive(tenant, monkeypatch, drive)


def test_msal_interactive_with_javascript(tenant, tmp_path, monkeypatch):
    """Where scripts run, the last click is saved, under the same policy without inline scripts."""
    driver = chromium(tenant, tmp_path, script=True)
    try:
        def drive(url):
            driver.get(url)
            sign_in(driver, "anna@corp.example", PASSWORD)

        interactive(tenant, monkeypatch, drive)
        wait_for(lambda: driver.current_url.startswith("http://localhost:"), "the browser is at the application")
        assert not [entry for entry in driver.get_log("browser") if "Content Security Policy" in entry["message"]]
    finally:
        driver.quit()
